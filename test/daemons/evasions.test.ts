/**
 * Every construction of fixtures/evasions through the gateway with its shipped policy and clamd: found, or kept aside for what it is.
 * The table of docs/scanners-evidence.md is what comes out here; EVIDENCE=write writes it anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServiceClients } from '../../src/adapters/services/service-clients.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { VirusScanner } from '../../src/ports/services.ts';
import { dig } from '../support/evasions/dig.ts';
import { type Evasion, evasions } from '../support/evasions/evasions.ts';
import { opens } from '../support/evasions/mail-program.ts';
import { NEIGHBOUR, type Shipped, shipped } from '../support/shipped.ts';
import { type Daemon, provide, startDaemon } from './daemon.ts';

const missing = await provide('clamd');
const DOCUMENT = new URL('../../docs/scanners-evidence.md', import.meta.url);
/** What lies between these in the document. */
const [BEGIN, END] = ['<!-- evasions: written by test/daemons/evasions.test.ts -->\n', '<!-- end of evasions -->'];

interface Outcome {
  readonly evasion: Evasion;
  /** mailparser, or the steps of whoever digs. */
  readonly opened: string;
  /** What clamd says of the message as it came. */
  readonly alone: string;
  /** What the check says, and of which part. */
  readonly check: string;
  readonly anomalies: readonly string[];
  readonly verdict: string;
  readonly reason: string;
}

describe.skipIf(missing !== '')('whoever hides a virus', () => {
  let clamd: Daemon;
  let gateway: Shipped;
  const clients = new ServiceClients(systemClock, () => {});
  const outcomes: Outcome[] = [];

  beforeAll(async () => {
    clamd = await startDaemon('clamd');
    const path = clamd.values.socket!;
    gateway = shipped({ clamav: { address: `unix:${path}` } });
    const scanner = clients.of({
      clamav: { address: { kind: 'unix', path }, connectTimeout: 2000, maxBytes: Number.POSITIVE_INFINITY },
    }).clamav!;
    for (const evasion of evasions()) outcomes.push(await outcomeOf(evasion, gateway, scanner));
  });
  afterAll(async () => {
    clients.close();
    gateway.close();
    await clamd.stop();
  });

  test('has it found or kept aside, but for what the document lists as found by nobody', () => {
    const passed = outcomes.filter(({ verdict }) => verdict === 'accept').map(({ evasion }) => evasion.name);
    expect(passed).toEqual(Object.keys(PASSED).sort());
  });

  test('is told of in the document as it is', () => {
    const text = readFileSync(DOCUMENT, 'utf8');
    const [before, rest = ''] = text.split(BEGIN);
    const after = rest.slice(rest.indexOf(END));
    const told = `${before}${BEGIN}${table(outcomes)}${after}`;
    if (process.env.EVIDENCE === 'write') writeFileSync(DOCUMENT, told);
    else expect(text).toBe(told);
  });
});

/** Found by neither, and held for nothing: each with why. */
const PASSED: { readonly [name: string]: string } = {
  'apple-single':
    'clamd does not look into this form, and the file in it does not begin where a signature looks. Only Mail of macOS opens it.',
  'base64-after-text':
    'the letters of the text before it are decoded with it, so that nothing of the file is left; no mail program we know opens it.',
  'delimiter-indented':
    'neither a mail program nor clamd takes the line for a delimiter: a person would have to cut the file out.',
  'delimiter-quoted': 'the same.',
  'encoding-wrong': 'programs that believe the declaration show letters; a person would have to decode them.',
  'html-link-folded':
    'clamd reads such a link where it stands on one line. The anomaly `html-data-file` tells of it, and may be made a rule; browsers of ' +
    'today open no such link by a click, and save the file where the page says so.',
  'html-script':
    'the page makes the file when it runs in a browser, and no scanner runs it. Who wants no such pages takes the comment from `html` in ' +
    '`policies/lists/blocked_extensions.txt`.',
  'html-utf7':
    'browsers of today do not read UTF-7. The anomaly `unknown-charset` tells of it, and may be made a rule.',
  'text-base64-bare': 'a text with letters in it, which a person would have to decode, like a link or a password.',
};

async function outcomeOf(evasion: Evasion, gateway: Shipped, scanner: VirusScanner): Promise<Outcome> {
  const signal = AbortSignal.timeout(60_000);
  const octets = (async function* () {
    yield evasion.octets;
  })();
  const alone = await scanner.scan({ message: evasion.name, octets }, signal);
  const { record } = await gateway.play(evasion.octets, NEIGHBOUR);
  const [one] = record.recipients;
  const { result, part } = (record.facts.clamav ?? { result: 'not asked', part: '' }) as unknown as Facts;
  const { anomalies = [] } = (record.facts.structure ?? {}) as { readonly anomalies?: readonly string[] };
  return {
    evasion,
    opened: (await opens(evasion)) ? 'mailparser' : (dig(evasion.octets)?.join(', ') ?? 'nobody'),
    alone: alone.kind,
    check: part === '' ? result : `${result} (part ${part})`,
    anomalies,
    verdict: one!.verdict,
    reason: one!.reason,
  };
}
interface Facts {
  readonly result: string;
  readonly part: string;
}

function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ evasion, opened, alone, check, anomalies, verdict, reason }) =>
    [
      `\`${evasion.name}\``,
      evasion.about,
      opened,
      anomalies.join(', '),
      alone,
      check,
      `${verdict}: ${reason.replace(/^rule:/, '')}`,
    ].join(' | '),
  );
  const count = (test: (outcome: Outcome) => boolean): number => outcomes.filter(test).length;
  return `
Of ${outcomes.length}: clamd alone finds ${count(({ alone }) => alone === 'infected')}, the check with its parts ${count(({ check }) => check.startsWith('infected'))}, ${count(
    ({ verdict }) => verdict !== 'accept',
  )} are refused or kept aside.

| construction | what it does | opened by | anomalies | clamd alone | the check | shipped policy |
|---|---|---|---|---|---|---|
${rows.map((row) => `| ${row} |`).join('\n')}

### What neither finds

${Object.entries(PASSED)
  .map(([name, why]) => `- \`${name}\`: ${why}`)
  .join('\n')}

`;
}
