/** Plays the suites' scenarios through the program, `postern explain --batch`, under a policy that asks and refuses nothing. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Facts, FactValue } from '../../src/policy/facts.ts';
import type { Scenario } from '../../src/record/scenario.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const INSTALLATION = `hostname: mx.example.net
listeners: { mx: { address: "127.0.0.1:2525", policy: inbound } }
domains: { example.net: { route: files, recipients: any } }
routes: { files: { protocol: maildir, path: var/mail } }
`;
const POLICY = `policy: inbound
checks:
  mail: [{ spf: {} }]
  data: [{ dkim: {} }, { arc: {} }, { dmarc: {} }]
rules: {}
`;

/** What of a record the suites look at. */
export interface Explained {
  readonly facts: Facts;
  readonly checks: readonly { readonly name: string; readonly evidence: { readonly [name: string]: FactValue } }[];
}

/** One record for each scenario, in order. */
export async function explainAll(scenarios: readonly Scenario[]): Promise<Explained[]> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-suite-'));
  try {
    await mkdir(join(folder, 'policies'));
    writeFileSync(join(folder, 'postern.yaml'), INSTALLATION);
    writeFileSync(join(folder, 'policies/inbound.yaml'), POLICY);
    const lines = scenarios.map((scenario) =>
      JSON.stringify({ client_ip: '192.0.2.1', rcpt: ['a@example.net'], ...scenario }),
    );
    writeFileSync(join(folder, 'batch.jsonl'), lines.join('\n'));
    const config = ['--config', join(folder, 'postern.yaml')];
    const child = spawn(process.execPath, [MAIN, 'explain', '--batch', join(folder, 'batch.jsonl'), ...config]);
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    if (out === '') throw new Error(err);
    return out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Explained);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One fact: `fact(record, 'spf', 'result')`. */
export function fact({ facts }: Explained, check: string, name: string): FactValue | undefined {
  const group = facts[check];
  return typeof group === 'object' && !Array.isArray(group)
    ? (group as { readonly [n: string]: FactValue })[name]
    : undefined;
}
