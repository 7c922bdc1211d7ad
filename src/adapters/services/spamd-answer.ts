/** What spamd answers: a status line, headers, and a report whose table names each rule that fired with its score. */
import { clean } from '../../mail/reply.ts';
import { ServiceError, type SpamSymbol, type SpamVerdict } from '../../ports/services.ts';
import { SYMBOLS_MAX, symbol } from './symbol.ts';

export interface SpamdReply {
  readonly version: string;
  /** Behind code and version: `EX_OK`, `PONG`. */
  readonly word: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** PONG and an error are one line; all else is headers, and a body as long as they say. */
export function isWhole(answer: Buffer): boolean {
  const line = answer.indexOf('\r\n');
  if (line >= 0 && LONE.test(answer.toString('latin1', 0, line))) return true;
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = lengthIn(answer.toString('latin1', 0, end));
  return length !== undefined && answer.length >= end + 4 + length;
}

const LONE = /^SPAMD\/\S+ (?:0 PONG|[1-9])/;

const lengthIn = (head: string): number | undefined => {
  const digits = /^content-length:[ \t]*(\d{1,9})[ \t]*\r?$/im.exec(head)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

/** Rejects what is no answer, and what says that there was an error. */
export function readReply(answer: Buffer): SpamdReply {
  const at = answer.indexOf('\r\n\r\n');
  const head = answer.toString('latin1', 0, at < 0 ? answer.length : at);
  const body = at < 0 ? '' : answer.toString('utf8', at + 4);
  const [first = '', ...lines] = head.split('\r\n');
  const [, version, code, word] = /^SPAMD\/(\d\.\d) (\d{1,3}) (.*)$/.exec(first) ?? [];
  if (version === undefined) throw new ServiceError('garbage', `"${clean(first, 200)}" is no answer of spamd`);
  if (code !== '0') throw new ServiceError('refused', `spamd answers ${clean(`${code} ${word ?? ''}`, 300)}`);
  if (!LONE.test(first) && answer.length - at - 4 !== lengthIn(head))
    throw new ServiceError('garbage', 'an answer of another length than it says');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  return { version, word: word ?? '', headers, body };
}

export function readReport({ headers, body }: SpamdReply): SpamVerdict {
  const spam = headers.get('spam') ?? '';
  const [, score, required] = /^(?:True|False|Yes|No) ; (-?\d+(?:\.\d+)?) \/ (-?\d+(?:\.\d+)?)$/.exec(spam) ?? [];
  if (score === undefined || required === undefined)
    throw new ServiceError('garbage', `"${clean(spam, 200)}" is no score of spamd`);
  return { score: Number(score), required: Number(required), action: '', symbols: rulesIn(body) };
}

/** Above the table stands a preview of the message, every line of it indented: only the table's own ruler begins a line. */
function rulesIn(report: string): readonly SpamSymbol[] {
  const lines = report.split(/\r?\n/);
  const ruler = lines.findLastIndex((line) => /^-{4} -{10,} -{10,}$/.test(line));
  if (ruler < 0) return [];
  return lines
    .slice(ruler + 1)
    .flatMap((line) => {
      // Lines that go on with a description are indented to its column.
      const [, score, name, about] = /^ {0,3}(-?\d+(?:\.\d+)?) {1,3}([A-Za-z_]\w*)(?: +(.*))?$/.exec(line) ?? [];
      return score === undefined || name === undefined ? [] : [symbol(name, Number(score), about ?? '')];
    })
    .slice(0, SYMBOLS_MAX);
}
