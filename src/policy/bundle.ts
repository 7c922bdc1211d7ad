/** A bundle: a policy with its lists and what the installation says about domains, whole, addressed by its digest. */
import type { FactValue } from './facts.ts';
import type { Override } from './override.ts';
import type { ServiceName } from './services.ts';

/** One file as it was read. */
export interface SourceFile {
  /** Relative to the policies' folder, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** What the rules may know of the installation. */
export interface InstallationView {
  /** Hosted domains, lower-case A-labels, with their settings and the place they were written. */
  readonly domains: {
    readonly [domain: string]: {
      readonly settings: { readonly [name: string]: FactValue };
      readonly file: string;
      readonly line: number;
    };
  };
  /** Daemons that are configured, in the order of `services.ts`; absent where there are none. */
  readonly services?: readonly ServiceName[];
}

export interface Bundle {
  /** SHA-256 over everything below in canonical form, the first 32 hex digits. */
  readonly digest: string;
  /** The policy's name. */
  readonly policy: string;
  /** The policy file first, then includes and lists. */
  readonly files: readonly SourceFile[];
  readonly installation: InstallationView;
  /** Those that change something in it; absent where there are none. */
  readonly overrides?: readonly Override[];
}
