/** docs/reference/anomalies.md: what may be odd about a message, by the words of `structure.anomalies`. */
import { ANOMALIES } from '../../mime/anomaly.ts';
import { code, page, table } from './markdown.ts';

export const anomaliesPage = (): string =>
  page(
    'What may be odd about a message',
    'The words of `structure.anomalies`. Mail programs differ about such messages: what one shows as a file another, and a scanner, may not see.',
    table(
      ['word', 'meaning'],
      Object.entries(ANOMALIES).map(([word, about]) => [code(word), about]),
    ),
  );
