/** docs/reference/configuration.md: every key of postern.yaml, and of a file of policy tests. */
import { code, data, page, table } from './markdown.ts';
import { type JsonSchema, schemaRows } from './schema-rows.ts';

export function configurationPage(installation: JsonSchema): string {
  return page(
    'postern.yaml',
    'Every key of the installation. `NAME` stands for a name of your own, `[]` for each item of a list. Durations and sizes ' +
      'carry their unit (`5m`, `50 MiB`); relative paths start at the folder of the file they stand in.',
    keys(installation),
  );
}

export function policyTestsPage(tests: JsonSchema): string {
  return page(
    'Policy tests',
    'Every key of a file of `policies/tests/*.yaml`, run by `postern test`. A case is a scenario and what is expected of it; ' +
      '`steps` play several over the same state, and `after` lets time pass between them.',
    '```yaml\npolicy: inbound\ndefaults: { dns: zones.yaml, client_ip: 192.0.2.10, rcpt: [bob@example.com] }\ncases:\n' +
      '  - name: a listed client is refused\n    given: { client_ip: 192.0.2.99 }\n    expect:\n      recipients:\n' +
      '        bob@example.com: { verdict: reject, rule: listed-client, reply: { code: 554, text: 192.0.2.99 } }\n' +
      '  - name: a greylisted client passes when it comes back\n    given: { state: fresh }\n    steps:\n' +
      '      - expect: { recipients: { bob@example.com: defer } }\n' +
      '      - { after: 10m, expect: { recipients: { bob@example.com: accept } } }\n```',
    keys(tests),
  );
}

const keys = (schema: JsonSchema): string =>
  table(
    ['key', 'type', 'default', 'meaning'],
    schemaRows(schema).map((row) => [
      code(row.path),
      row.type,
      row.required ? 'required' : data(row.fallback),
      [row.about, row.example === undefined ? '' : `such as ${data(row.example)}`]
        .filter((part) => part !== '')
        .join(', '),
    ]),
  );
