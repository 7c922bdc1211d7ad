/** What `check` says of the files of recipients: the running gateway only logs it, and goes on with the last good ones. */
import { readFileSync, statSync } from 'node:fs';
import type { Installation } from '../config/installation.ts';
import { parseEntries } from '../gateway/recipient-list.ts';
import type { Problem } from '../language/problem.ts';

/** Lines told one by one; a file that is no list at all has one problem, not a thousand. */
const LINES_MAX = 5;
/** Larger files are left to the gateway: a person waits for `check`. */
const OCTETS_MAX = 64 << 20;

export function recipientTroubles({ domains }: Installation): readonly Problem[] {
  const files = new Set(
    [...domains.values()].flatMap(({ recipients }) =>
      recipients.flatMap((source) => (source.kind === 'file' ? [source.path] : [])),
    ),
  );
  return [...files].flatMap(troublesOf);
}

function troublesOf(file: string): readonly Problem[] {
  const stat = statSync(file, { throwIfNoEntry: false });
  // One that is not there is the installation's own problem.
  if (stat?.isFile() !== true || stat.size > OCTETS_MAX) return [];
  const text = readFileSync(file, 'utf8');
  const { addresses, bad } = parseEntries(text);
  const at = (line: number, message: string, remedy: string): Problem => ({
    place: { file, line, column: 1 },
    severity: 'warning',
    message,
    remedy,
    excerpt: text.split(/\r?\n/)[line - 1]?.slice(0, 200) ?? '',
  });
  const remedy =
    'one address a line: alice@example.com, alice, or @example.com for everybody there; # begins a comment';
  const told = bad.slice(0, LINES_MAX).map((line) => at(line, 'this line is no address, and is passed over', remedy));
  if (addresses.size === 0)
    told.push(at(1, 'the file holds no address: every recipient would be answered 450', remedy));
  if (bad.length > LINES_MAX)
    told.push(at(bad[LINES_MAX]!, `${bad.length - LINES_MAX} more lines are no addresses`, remedy));
  return told;
}
