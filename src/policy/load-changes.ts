/** Actions that change what is delivered or where, or tell of it: strip_attachments, redirect, bcc, notify. Here stands what of them a policy may not say. */
import type { Path, Source } from '../language/source.ts';
import { parseMailbox } from '../mail/address.ts';
import { listAt } from './load-checks.ts';
import type { Loading } from './loading.ts';
import type { List } from './policy.ts';
import type { StripWritten } from './policy-file.ts';
import type { Action } from './rule.ts';
import type { Stage } from './stage.ts';
import { templateAt, type Vocabulary } from './vocabulary.ts';

interface Ground {
  readonly loading: Loading;
  readonly source: Source;
  readonly vocabulary: Vocabulary;
  readonly lists: ReadonlyMap<string, List>;
}

export function loadStrip(
  { loading, source, vocabulary, lists }: Ground,
  stage: Stage,
  path: Path,
  written: StripWritten,
): Action | undefined {
  const { extensions, note, keep = true } = written === true || written === null ? {} : written;
  const said = note === undefined ? undefined : templateAt(loading, vocabulary, source, [...path, 'note'], note, stage);
  const strip = { kind: 'strip_attachments', note: said, keep } as const;
  if (extensions === undefined) return { ...strip, which: { kind: 'all' } };
  if (typeof extensions !== 'string') return { ...strip, which: { kind: 'extensions', extensions } };
  const list = listAt(loading, source, [...path, 'extensions'], extensions, 'word', lists);
  return list && { ...strip, which: { kind: 'list', list: list.name } };
}

export function loadNotify(
  ground: Pick<Ground, 'loading' | 'source' | 'vocabulary'>,
  stage: Stage,
  path: Path,
  { to, text }: { readonly to?: string; readonly text: string },
): Action | undefined {
  const { loading, source, vocabulary } = ground;
  const said = templateAt(loading, vocabulary, source, [...path, 'text'], text, stage);
  const way = to === undefined ? undefined : addressAt(ground, [...path, 'to'], 'notify', to);
  if (to !== undefined && way === undefined) return undefined;
  return { kind: 'notify', to: way ?? '', text: said };
}

/** Whole addresses only: one that is filled from facts would let a stranger choose where we send. */
export function loadWay(
  ground: Pick<Ground, 'loading' | 'source'>,
  path: Path,
  word: 'redirect' | 'bcc',
  written: string,
): Action | undefined {
  const address = addressAt(ground, path, word, written);
  return address === undefined ? undefined : { kind: word, address };
}

function addressAt(
  { loading, source }: Pick<Ground, 'loading' | 'source'>,
  path: Path,
  word: string,
  written: string,
): string | undefined {
  const wrong = (message: string, remedy: string): undefined => {
    loading.wrong(source, path, 'value', message, remedy);
  };
  const remedy = 'write a whole address, such as abuse@example.com';
  if (/[{}]/.test(written))
    return wrong(`${word} takes no placeholders: whoever fills them could send anywhere through us`, remedy);
  const parsed = parseMailbox(written.trim(), true);
  if (parsed.kind === 'bad') return wrong(`"${written}" is no address: ${parsed.why}`, remedy);
  return parsed.value.address;
}
