/** MAIL and RCPT with their ESMTP parameters, as RFC 5321 §4.1.2 writes them; what is not offered is not taken. */
import { type Parsed, parsePath, splitPath } from '../../mail/address.ts';
import type { BodyType, DsnNotify, DsnReturn, MailParameters, Recipient, ReversePath } from '../../mail/envelope.ts';
import type { WireReason } from './refusals.ts';

/** What this listener offers beyond the basics. */
export interface Offers {
  readonly smtpUtf8: boolean;
  readonly dsn: boolean;
  /** Over TLS alone (RFC 8689 §4.1). */
  readonly requireTls: boolean;
  /** Somebody may log in here (RFC 4954 §3). */
  readonly auth: boolean;
}

/** Understood, or the reason and, where it helps, what exactly is wrong. */
export type Read<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'bad'; readonly reason: WireReason; readonly text?: string };

export interface MailCommand {
  readonly path: ReversePath;
  readonly parameters: MailParameters;
}

/** `FROM:<path> …`: what follows the verb MAIL. */
export function readMail(argument: string, offers: Offers, messageBytes: number): Read<MailCommand> {
  const cut = cutPath(argument, /^FROM:/i);
  if (cut === undefined) return bad('bad-sender', 'write MAIL FROM:<address>');
  const words = readWords(cut.rest);
  if (words.kind === 'bad') return words;
  const parameters: { -readonly [name in keyof MailParameters]: MailParameters[name] } = {};
  for (const [name, value] of words.value) {
    switch (name) {
      case 'SIZE':
        if (!/^\d{1,20}$/.test(value)) return bad('syntax', 'write SIZE=octets'); // RFC 1870 §6
        if (Number(value) > messageBytes)
          return bad('too-large', `message too large, the limit is ${messageBytes} octets`);
        parameters.size = Number(value);
        break;
      case 'BODY': {
        const body = value.toUpperCase();
        if (body === 'BINARYMIME') return bad('binarymime');
        if (!isBody(body)) return bad('syntax', 'write BODY=7BIT or BODY=8BITMIME'); // RFC 6152 §2
        parameters.body = body;
        break;
      }
      case 'SMTPUTF8':
        if (!offers.smtpUtf8) return unknown(name);
        if (value !== '') return bad('syntax', 'SMTPUTF8 takes no value'); // RFC 6531 §3.4
        parameters.utf8 = true;
        break;
      case 'REQUIRETLS':
        if (!offers.requireTls) return unknown(name);
        if (value !== '') return bad('syntax', 'REQUIRETLS takes no value'); // RFC 8689 §2
        parameters.requireTls = true;
        break;
      case 'AUTH':
        if (!offers.auth) return unknown(name);
        // RFC 4954 §5: no client is trusted to speak for another here, so that it is read and means nothing, as `<>` does.
        if (value !== '<>' && !decodeXtext(value)) return bad('syntax', 'AUTH is <> or an address in xtext');
        break;
      case 'RET': {
        if (!offers.dsn) return unknown(name);
        const ret = value.toUpperCase();
        if (!isReturn(ret)) return bad('syntax', 'write RET=FULL or RET=HDRS'); // RFC 3461 §4.3
        parameters.ret = ret;
        break;
      }
      case 'ENVID': {
        if (!offers.dsn) return unknown(name);
        const envid = value.length > ENVID_MAX ? undefined : decodeXtext(value);
        if (envid === undefined || envid === '') return bad('syntax', 'ENVID is xtext of at most 100 characters');
        parameters.envid = envid;
        break;
      }
      default:
        return unknown(name);
    }
  }
  const path = readPath(cut.path, parameters.utf8 === true, 'bad-sender', parsePath);
  return path.kind === 'bad' ? path : { kind: 'ok', value: { path: path.value, parameters } };
}

/** `TO:<path> …`: what follows the verb RCPT. `utf8`: the transaction said SMTPUTF8. */
export function readRcpt(argument: string, offers: Offers, utf8: boolean): Read<Recipient> {
  const cut = cutPath(argument, /^TO:/i);
  if (cut === undefined) return bad('bad-recipient', 'write RCPT TO:<address>');
  const words = readWords(cut.rest);
  if (words.kind === 'bad') return words;
  const parameters: { notify?: readonly DsnNotify[]; orcpt?: string } = {};
  for (const [name, value] of words.value) {
    if (!offers.dsn) return unknown(name);
    switch (name) {
      case 'NOTIFY': {
        const notify = value.toUpperCase().split(',');
        if (!notify.every(isNotify)) return bad('syntax', 'NOTIFY is NEVER, or of SUCCESS, FAILURE, DELAY');
        if (notify.includes('NEVER') && notify.length > 1) return bad('syntax', 'NOTIFY=NEVER stands alone'); // RFC 3461 §4.1
        parameters.notify = [...new Set(notify)];
        break;
      }
      case 'ORCPT': {
        const orcpt = readOrcpt(value);
        if (orcpt === undefined) return bad('syntax', 'write ORCPT=rfc822;address in xtext');
        parameters.orcpt = orcpt;
        break;
      }
      default:
        return unknown(name);
    }
  }
  const path = readPath(cut.path, utf8, 'bad-recipient', (text, wide) => parsePath(text, wide, 'forward'));
  if (path.kind === 'bad') return path;
  if (path.value.kind === 'null') return bad('bad-recipient', 'a recipient cannot be the null path');
  return { kind: 'ok', value: { mailbox: path.value.mailbox, parameters } };
}

/** RFC 3461 §4: `+` and two upper-case hex digits stand for one octet; what results must be printable. */
export function decodeXtext(text: string): string | undefined {
  if (!/^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*$/.test(text)) return undefined;
  const decoded = text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return /^[\x20-\x7e]*$/.test(decoded) ? decoded : undefined;
}

const ENVID_MAX = 100; // RFC 3461 §4.4
const ORCPT_MAX = 500; // RFC 3461 §4.2

const bad = (reason: WireReason, text?: string) =>
  ({ kind: 'bad', reason, ...(text === undefined ? {} : { text }) }) as const;
const unknown = (name: string) => bad('unknown-parameter', `parameter ${name} not recognized`);

/** Differs from RFC 5321 §4.1.1.2 ("no spaces are permitted"): blanks after the colon do no harm, and many programs send one. */
function cutPath(argument: string, verb: RegExp): { readonly path: string; readonly rest: string } | undefined {
  const said = verb.exec(argument);
  return said === null ? undefined : splitPath(argument.slice(said[0].length).replace(/^ +/, ''));
}

function readPath(
  text: string,
  utf8: boolean,
  reason: 'bad-sender' | 'bad-recipient',
  parse: (text: string, utf8: boolean) => Parsed<ReversePath>,
): Read<ReversePath> {
  const path = parse(text, utf8);
  if (path.kind === 'ok') return path;
  if (!utf8 && /[^\x00-\x7f]/.test(text)) return bad('needs-smtputf8');
  return bad(reason, path.why);
}

/** `KEYWORD[=value]` words after the path, keywords in upper case, none twice. */
function readWords(rest: string): Read<ReadonlyMap<string, string>> {
  const words = new Map<string, string>();
  if (rest === '') return { kind: 'ok', value: words };
  if (!rest.startsWith(' ')) return bad('syntax', 'after the address comes a space');
  for (const word of rest.split(' ')) {
    if (word === '') continue;
    // RFC 5321 §4.1.2 esmtp-param; RFC 6531 §3.3 lets UTF-8 into values.
    const parts = /^([A-Za-z0-9][A-Za-z0-9-]{0,63})(?:=([^\x00-\x20=\x7f]+))?$/.exec(word);
    if (parts === null) return bad('syntax', 'parameters are written KEYWORD=value');
    const name = parts[1]!.toUpperCase();
    if (words.has(name)) return bad('syntax', `parameter ${name} stands twice`);
    words.set(name, parts[2] ?? '');
  }
  return { kind: 'ok', value: words };
}

/** `addr-type;xtext` with the address decoded (RFC 3461 §4.2); a UTF-8 address stands as it is (RFC 6533 §3). */
function readOrcpt(value: string): string | undefined {
  const parts = /^([A-Za-z0-9-]+);(.+)$/.exec(value);
  if (parts === null || value.length > ORCPT_MAX) return undefined;
  const address = /^utf-8$/i.test(parts[1]!) ? parts[2] : decodeXtext(parts[2]!);
  return address === undefined ? undefined : `${parts[1]};${address}`;
}

const isBody = (text: string): text is BodyType => text === '7BIT' || text === '8BITMIME';
const isReturn = (text: string): text is DsnReturn => text === 'FULL' || text === 'HDRS';
const isNotify = (text: string): text is DsnNotify => /^(?:NEVER|SUCCESS|FAILURE|DELAY)$/.test(text);
