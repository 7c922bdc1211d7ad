/** Times as a person gives them on a command line: `7d` ago, or a moment. */
import { parseDuration, type Timestamp } from '../mail/time.ts';
import { CliError, USAGE } from './command.ts';

/** `option` names it in the complaint. */
export function parseWhen(text: string, option: string, now: Timestamp): Timestamp {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new CliError(`${option} "${text}" is not a time: write 30m, 2h or 7d ago, or 2026-11-22T10:00:00Z`, USAGE);
  return at;
}
