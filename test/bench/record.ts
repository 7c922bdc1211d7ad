/**
 * How large a stored record is, and its share of an accepted message's CPU, with the whole shipped policy on:
 * `node test/bench/record.ts [messages] [sessions]`. What is counted stands in docs/performance.md.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { RecordDays } from '../../src/adapters/sqlite/record-days.ts';
import { recordRow } from '../../src/adapters/sqlite/rows.ts';
import { SearchDays } from '../../src/adapters/sqlite/search-days.ts';
import type { TransactionRecord } from '../../src/record/record.ts';
import { ScriptedHost } from '../support/scripted-host.ts';
import { playAll } from './record-client.ts';
import { dnsOver } from './record-dns.ts';
import type { Setting, Used, Word } from './record-gateway.ts';
import { type Letter, letters, zones } from './record-mail.ts';
import { served } from './record-served.ts';

const [messages = 600, sessions = 20] = process.argv.slice(2).map(Number);
/** What the store thread commits together under such a load; alone, a record costs more, of a commit that others share less. */
const GROUP = 4;

interface Gateway {
  readonly child: ChildProcess;
  readonly port: number;
  ask<T>(word: Word): Promise<T>;
}

async function bench(folder: string): Promise<void> {
  const mail = await letters(5 * messages);
  const dns = await dnsOver(zones(mail.length));
  const sink = await ScriptedHost.start();
  const config = install(folder, dns.server, (sink.address as { readonly port: number }).port);
  const clients = Object.fromEntries(mail.map(({ address, ip }) => [address, ip]));
  const gateway = await started({ config, store: join(folder, 'store'), dns: dns.server, clients });
  const loadOf = (round: number) => mail.slice(messages * round, messages * (round + 1));
  const round = async (no: number, profile: boolean) => {
    await gateway.ask({ kind: 'reset', profile });
    const accepted = await playAll(gateway.port, loadOf(no), sessions);
    return { accepted, used: await gateway.ask<Used>({ kind: 'report' }) };
  };
  await round(0, false); // warm
  const plain = await round(1, false);
  const profiled = await round(2, true);
  gateway.child.send({ kind: 'end' } satisfies Word);
  await once(gateway.child, 'exit');
  const own = (load: readonly Letter[]) => load.filter(({ address, ip }) => address === ip);
  const whole = await served(config, sink, own(loadOf(3)), own(loadOf(4)), sessions);
  await sink.stop();
  await dns.close();

  const rows = rowsOf(join(folder, 'store/records'), new Set([...plain.accepted, ...profiled.accepted]));
  console.log(`${rows.length} accepted messages, ${sessions} sessions, the shipped policy`);
  console.log(`stored a record: ${spread(rows.map((row) => row.octets))}`);
  console.log(`the same as JSON: ${spread(rows.map((row) => Buffer.byteLength(row.json)))}`);

  const session = plain.used.session / plain.accepted.length;
  const taken = plain.used.all / plain.accepted.length;
  const steps = {
    'made, masked and written as JSON': session * profiled.used.making,
    ...stored(rows.map(({ json }) => json).slice(-messages), folder),
  };
  const record = Object.values(steps).reduce((sum, one) => sum + one, 0);
  const share = (one: number, of: number) => `${((one / of) * 100).toFixed(1)} %`;
  console.log(`CPU a message: ${whole.toFixed(2)} ms taken and relayed, ${taken.toFixed(2)} ms taken alone`);
  console.log(
    `CPU a record: ${record.toFixed(3)} ms, ${share(record, whole)} of the first, ${share(record, taken)} of the second`,
  );
  for (const [step, one] of Object.entries(steps)) console.log(`  ${step}: ${one.toFixed(3)} ms, ${share(one, whole)}`);
}

/** Writes the installation and the shipped policies; answers where. */
function install(folder: string, dns: string, sink: number): string {
  cpSync('policies', join(folder, 'policies'), { recursive: true });
  // A round takes seconds, not hours: the rate limit is lifted, the counting stays.
  const policy = join(folder, 'policies/inbound.yaml');
  writeFileSync(policy, readFileSync(policy, 'utf8').replace('limit: 200,', 'limit: 1000000,'));
  const config = join(folder, 'postern.yaml');
  writeFileSync(
    config,
    `
hostname: mx.example.com
listeners: { mx: { address: "127.0.0.1:0", policy: inbound } }
domains:
  example.com: { route: sink, recipients: any }
  example.net: { route: sink, recipients: any, settings: { spam_hold: 3.0 } }
  example.org: { route: sink, recipients: any }
routes: { sink: { hosts: ["127.0.0.1:${sink}"], tls: none } }
default_route: sink
dns: { servers: ["${dns}"], timeout: 5s }
policies: policies
store: { path: served, min_free: 16 MiB }
`,
  );
  return config;
}

function spread(octets: readonly number[]): string {
  const sorted = octets.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)]!;
  return `median ${at(0.5)} octets, 95 % ${at(0.95)}, greatest ${at(1)}`;
}

async function started(setting: Setting): Promise<Gateway> {
  const child = fork(fileURLToPath(new URL('record-gateway.ts', import.meta.url)), [JSON.stringify(setting)]);
  const told = async <T>(): Promise<T> => (await once(child, 'message'))[0] as T;
  const port = await told<number>();
  return {
    child,
    port,
    ask: (word) => {
      child.send(word);
      return told();
    },
  };
}

function rowsOf(folder: string, ids: ReadonlySet<string>) {
  const days = new RecordDays(folder, console.warn);
  const rows = days.names.flatMap((name) => {
    const db = new DatabaseSync(join(folder, `${name}.db`), { readOnly: true });
    const sql =
      'SELECT id, length(CAST(json AS BLOB)) + length(CAST(events AS BLOB)) AS octets FROM records ORDER BY n';
    const found = db.prepare(sql).all() as { id: string; octets: number }[];
    db.close();
    return found.filter(({ id }) => ids.has(id)).map((row) => ({ ...row, json: days.get(row.id)!.json }));
  });
  days.close();
  return rows;
}

/** What it costs the store thread, asked for the same records in this process; the disk's own time is no CPU. */
function stored(records: readonly string[], folder: string): { [step: string]: number } {
  const event = (id: string) =>
    ({ recordId: id, at: 0, recipient: 1, kind: 'queued', by: 'mailboxes', text: '' }) as const;
  const rows = records.map((json) => {
    const record = JSON.parse(json) as TransactionRecord;
    return recordRow(record, [event(record.id)]);
  });
  const cost = (work: () => void): number => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / rows.length;
  };
  const once = (name: string): { [step: string]: number } => {
    mkdirSync(join(folder, name, 'records'), { recursive: true });
    mkdirSync(join(folder, name, 'search'));
    const days = new RecordDays(join(folder, name, 'records'), console.warn);
    const copied = cost(() => rows.forEach((row) => void structuredClone(row)));
    const kept = cost(() => {
      for (const [n, row] of rows.entries()) {
        days.insert(row);
        if (n % GROUP === GROUP - 1) days.commit();
      }
      days.commit();
    });
    const search = new SearchDays(join(folder, name, 'search'), days);
    const found = cost(() => {
      while (search.isBehind) search.catchUp();
    });
    search.close();
    days.close();
    return { 'copied to the store thread': copied, 'packed and committed': kept, 'put into the search index': found };
  };
  once('warm');
  const rounds = ['a', 'b', 'c', 'd', 'e'].map(once);
  const middle = (step: string) => rounds.map((round) => round[step]!).sort((a, b) => a - b)[2]!;
  return Object.fromEntries(Object.keys(rounds[0]!).map((step) => [step, middle(step)]));
}

const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'postern-record-'));
try {
  await bench(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
