/** Actions that change what is delivered or where: strip_attachments, redirect, bcc. Here stands what of them a policy may not say. */
import type { Path, Source } from '../language/source.ts';
import { parseMailbox, toAscii } from '../mail/address.ts';
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
  readonly hosted: (domain: string) => boolean;
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

/** A whole address leads anywhere; one that is filled from facts only to domains of ours, or a stranger could choose where we send. */
export function loadWay(
  { loading, source, vocabulary, hosted }: Ground,
  stage: Stage,
  path: Path,
  word: 'redirect' | 'bcc',
  written: string,
): Action | undefined {
  const address = templateAt(loading, vocabulary, source, path, written, stage);
  const literal = address.reads.length === 0;
  const wrong = (message: string, remedy: string): void => loading.wrong(source, path, 'value', message, remedy);
  if (literal) {
    const parsed = parseMailbox(written.trim(), true);
    if (parsed.kind === 'bad') {
      wrong(`"${written}" is no address: ${parsed.why}`, 'write a whole one, such as abuse@example.com');
      return undefined;
    }
    return { kind: word, address, literal };
  }
  const at = written.lastIndexOf('@');
  const domain = written.slice(at + 1).trim();
  if (at >= 0 && !/[{}]/.test(domain) && !hosted(toAscii(domain) ?? '')) {
    wrong(
      `${word} with a placeholder leads only to hosted domains, and "${domain}" is none`,
      'write the whole address, or a domain of ours after the @',
    );
  }
  return { kind: word, address, literal };
}
