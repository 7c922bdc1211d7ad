/** Every fact that the edge or a check states can be read by a rule under its own name. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { CHECKS } from '../../src/checks/registry.ts';
import { EDGE_ROOTS } from '../../src/policy/edge-facts.ts';
import { loadPolicy } from '../../src/policy/load-policy.ts';

/** `mail.null`, `dmarc.alignment.spf`, …: every value that is not a group itself. */
function pathsOf(name: string, shape: z.core.$ZodType): string[] {
  if (!(shape instanceof z.ZodObject)) return [name];
  return Object.entries(shape.shape).flatMap(([part, inner]) => pathsOf(`${name}.${part}`, inner as z.core.$ZodType));
}

const OPTIONS: { readonly [check: string]: string } = {
  rate: '{ key: client.ip, limit: 1, window: 1m }',
  user_behaviour: '{ key: client.ip }',
  dnsbl: '{ lists: { l: { zone: bl.example, codes: { "127.0.0.2": 1 } } } }',
};
const checks = [...CHECKS.values()];
const paths = [
  ...EDGE_ROOTS.flatMap(({ root, shape }) => pathsOf(root, shape)),
  ...checks.flatMap(({ name, facts }) => [`${name}.status`, ...pathsOf(name, facts)]),
];

test.each(paths)('%s can be read', (path) => {
  const stages = Map.groupBy(checks, ({ stage }) => stage);
  const text = [
    'policy: p',
    'checks:',
    ...[...stages].flatMap(([stage, of]) => [
      `  ${stage}:`,
      ...of.map(({ name }) => `    - ${name}: ${OPTIONS[name] ?? '{}'}`),
    ]),
    'rules:',
    '  content:',
    `    - { name: reads, when: "known(${path})", note: "read" }`,
    `    - { name: compares, when: "[${path}] == [${path}]", note: "{now}" }`,
  ].join('\n');
  const { problems } = loadPolicy({
    files: { name: 'policies', read: (name) => (name === 'p.yaml' ? { path: name, text } : undefined), glob: () => [] },
    path: 'p.yaml',
    catalog: CHECKS,
    installation: { domains: {} },
    routes: [],
    digest: (whole) => String(whole.length),
  });
  expect(problems.map(({ message }) => message)).toEqual([]);
});
