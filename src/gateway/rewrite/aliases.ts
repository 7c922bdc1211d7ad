/** Addresses that stand for others, as an operator writes them: `sales: alice, bob@example.net`. */
import { foldAscii, parseMailbox } from '../../mail/address.ts';

export interface Aliases {
  /** Lower-case local part to addresses as written; a local part alone is of the same domain. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
  /** Lines that could not be read, and why. */
  readonly bad: readonly { readonly line: number; readonly why: string }[];
}

/** Of one alias; a list with more members wants list software, which handles bounces and those who leave. */
export const ALIAS_TARGETS_MAX = 500;

/**
 * One alias a line; a line that begins with a blank goes on with the one before; `#` begins a comment. Commands, files and
 * includes of aliases(5) are refused: mail goes to addresses only.
 */
export function parseAliases(text: string, domain: string): Aliases {
  const targets = new Map<string, readonly string[]>();
  const bad: { line: number; why: string }[] = [];
  for (const { line, entry } of entriesOf(text)) {
    const read = readAlias(entry, domain);
    if (typeof read === 'string') bad.push({ line, why: read });
    else if (targets.has(read.local)) bad.push({ line, why: `"${read.local}" stands there already` });
    else targets.set(read.local, read.targets);
  }
  return { targets, bad };
}

function entriesOf(text: string): { line: number; entry: string }[] {
  const entries: { line: number; entry: string }[] = [];
  for (const [n, whole] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = whole.replace(/(?:^|\s)#.*$/, '').trimEnd();
    const last = entries.at(-1);
    if (line.trim() === '') continue;
    if (/^\s/.test(line) && last !== undefined) last.entry += ` ${line.trim()}`;
    else entries.push({ line: n + 1, entry: line.trim() });
  }
  return entries;
}

function readAlias(entry: string, domain: string): { local: string; targets: readonly string[] } | string {
  const [, name = '', rest = ''] = /^([^:\s]+)\s*:\s*(.*)$/.exec(entry) ?? [];
  if (name === '') return 'expected `alias: address, address`';
  const of = mailboxIn(name, domain);
  if (typeof of === 'string') return of;
  if (of.domain !== domain) return `"${name}" is not in ${domain}`;
  return aliasOf(
    of.local,
    rest.split(',').map((target) => target.trim()),
    domain,
  );
}

/** Undoubted targets, or what is wrong with them. */
export function aliasOf(
  local: string,
  written: readonly string[],
  domain: string,
): { local: string; targets: readonly string[] } | string {
  const named = written.filter((target) => target !== '');
  if (named.length === 0) return `"${local}" stands for nobody`;
  if (named.length > ALIAS_TARGETS_MAX) return `"${local}" stands for more than ${ALIAS_TARGETS_MAX} addresses`;
  const addresses: string[] = [];
  for (const target of named) {
    if (/^[|/:"]/.test(target)) return `"${target}" is no address: mail goes to addresses only`;
    const mailbox = mailboxIn(target, domain);
    if (typeof mailbox === 'string') return mailbox;
    addresses.push(mailbox.address);
  }
  return { local: foldAscii(local), targets: [...new Set(addresses)] };
}

function mailboxIn(text: string, domain: string) {
  const parsed = parseMailbox(text.includes('@') ? text : `${text}@${domain}`, true);
  return parsed.kind === 'ok' ? parsed.value : `"${text}" is not an address: ${parsed.why}`;
}
