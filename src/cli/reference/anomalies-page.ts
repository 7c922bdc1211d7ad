/** docs/reference/anomalies.md: what may be odd about a message, by the names that rules read. */
import { ANOMALIES } from '../../mime/anomaly.ts';
import { code, page, table } from './markdown.ts';

export function anomaliesPage(): string {
  return page(
    'What may be odd about a message',
    'The words of `structure.anomalies`: `when: "\'part-after-end\' in structure.anomalies"`. Each names a place where readers of mail ' +
      'differ, or where a file lies that most of them do not see. Honest mail has some of them too, so that none is a reason by itself; ' +
      'which part it is in stands in the record, in the evidence of [structure](checks.md#structure).',
    table(
      ['word', 'meaning'],
      Object.entries(ANOMALIES).map(([name, meaning]) => [code(name), meaning]),
    ),
  );
}
