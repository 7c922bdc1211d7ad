/** docs/reference/checks.md: every check with its options, its facts' home, what it needs and what its silence means. */
import { z } from 'zod';
import { sayDuration } from '../../mail/time.ts';
import type { CheckCatalog, CheckSpec } from '../../policy/check-spec.ts';
import { code, data, page, table } from './markdown.ts';
import { schemaRows, tidySchema } from './schema-rows.ts';

export function checksPage(catalog: CheckCatalog): string {
  return page(
    'Checks',
    'Checks gather facts; rules decide. Every check also takes `as` (a name of its own), `after` (instances to wait for), `when` ' +
      '(a condition to run at all), `timeout` and `on_error` (`skip`, `defer`, `quarantine`, or `{ defer: { for: 4h, then: quarantine } }`).',
    ...[...catalog.values()].flatMap(section),
  );
}

function section(check: CheckSpec): readonly string[] {
  const needs = check.needs.length === 0 ? 'nothing' : check.needs.map(code).join(', ');
  const rows = schemaRows(tidySchema(z.toJSONSchema(check.options, { io: 'input', unrepresentable: 'any' }))).map(
    (row) => [code(row.path), row.type, row.required ? 'required' : data(row.fallback), row.about, data(row.example)],
  );
  return [
    `## ${check.name}`,
    check.about,
    table(
      ['', ''],
      [
        ['earliest stage', code(check.stage)],
        ['facts hold for the', typeof check.scope === 'function' ? 'what its options and stage say' : check.scope],
        ['needs', needs],
        ...(check.awaits === undefined
          ? []
          : [['waits for, where the policy has it', check.awaits.map(code).join(', ')]]),
        ...(check.service === undefined
          ? []
          : [['asks', `${code(`services.${check.service}`)} ([scanners](../scanners.md))`]]),
        ['timeout', sayDuration(check.timeout)],
        ['on_error by default', code(check.onError)],
        ['evidence', check.evidence],
        ['facts', `[here](facts.md#of-the-check-${check.name})`],
      ],
    ),
    rows.length === 0 ? 'It has no options.' : table(['option', 'type', 'default', 'meaning', 'example'], rows),
  ];
}
