/** What a message scored for one recipient: the rules' total, and what each scanner said. */
import type { Facts } from '../policy/facts.ts';
import type { CheckRun, RecipientRecord, TransactionRecord } from './record.ts';
import { findFact } from './say-value.ts';

export interface Scores {
  /** What rules added up (`total.score`). */
  readonly total: number;
  /** Of checks that completed, by their name in the policy. */
  readonly scanners: { readonly [name: string]: number };
  /** What the virus scanner found, or ''. Text from outside. */
  readonly signature: string;
}

/** Of the recipient as they were written to; undefined where the record knows none. */
export function scoresOf(record: TransactionRecord, recipient: RecipientRecord | undefined): Scores {
  const facts: readonly Facts[] = [recipient?.facts ?? {}, record.facts];
  const runs = [...record.checks, ...(recipient?.checks ?? [])].filter(({ status }) => status === 'completed');
  const scanners: { [name: string]: number } = {};
  for (const { name } of runs.filter(isSpamScanner)) {
    const score = findFact(`${name}.score`, ...facts);
    if (typeof score === 'number') scanners[name] = score;
  }
  const signatures = runs
    .filter(({ check }) => check === 'clamav')
    .map(({ name }) => findFact(`${name}.signature`, ...facts))
    .filter((found) => typeof found === 'string' && found !== '');
  return { total: recipient?.score ?? 0, scanners, signature: signatures.join(', ') };
}

const isSpamScanner = ({ check }: CheckRun): boolean => check === 'spamassassin' || check === 'rspamd';

/** `total 7.5, rspamd 12.1, Win.Test.EICAR_HDB-1`; '' where nothing scored. */
export const sayScores = ({ total, scanners, signature }: Scores): string =>
  [
    ...(total === 0 ? [] : [`total ${total}`]),
    ...Object.entries(scanners).map(([name, score]) => `${name} ${score}`),
    ...(signature === '' ? [] : [signature]),
  ].join(', ');
