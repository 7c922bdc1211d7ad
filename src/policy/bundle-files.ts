/** A bundle from the files that were read, and the files back from a bundle. */
import type { Bundle, InstallationView, SourceFile } from './bundle.ts';
import type { PolicyReader } from './loading.ts';
import type { Override } from './override.ts';

export function bundleOf(
  policy: string,
  files: readonly SourceFile[],
  installation: InstallationView,
  overrides: readonly Override[],
  digest: (text: string) => string,
): Bundle {
  const whole = { policy, files, installation, ...(overrides.length === 0 ? {} : { overrides }) };
  return { digest: digest(canonical(whole)).slice(0, DIGEST_DIGITS), ...whole };
}

const DIGEST_DIGITS = 32;

/** Reads what the bundle holds, as if it stood in the policies' folder. */
export function readerOf(bundle: Bundle): PolicyReader {
  const files = new Map(bundle.files.map((file) => [file.path, file]));
  return {
    name: '',
    read: (path) => files.get(path),
    glob: (pattern) => [...files.keys()].filter((path) => matchesGlob(pattern, path)).sort(),
  };
}

/** `*` and `?` within one step of a path. */
function matchesGlob(pattern: string, path: string): boolean {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return new RegExp(`^${escaped}$`).test(path);
}

/** JSON with the keys of every object in order, so that equal things have equal digests. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
