/** docs/reference/builtin.md: the refusals that no rule makes, with the replies they give. */
import { REFUSALS, type RefusalRow } from '../../gateway/refusal-table.ts';
import { sayReply } from '../../record/say-why.ts';
import { code, page, table } from './markdown.ts';

export function builtinPage(): string {
  return page(
    'Refusals that no rule makes',
    'In a record they stand as `reason: builtin:WORD`. No policy can override them.',
    '## By the gateway',
    rows('gateway'),
    '## By the wire',
    rows('wire'),
  );
}

const rows = (by: RefusalRow['by']): string =>
  table(
    ['word', 'reply', 'meaning'],
    REFUSALS.filter((row) => row.by === by).map(({ word, reply, about, closes }) => [
      code(word),
      code(sayReply(reply)),
      closes ? 'closes the connection' : about,
    ]),
  );
