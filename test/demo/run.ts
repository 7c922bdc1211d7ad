/** `npm run demo`: the gateway on loopback, eighteen messages through real SMTP, and a table of what became of each. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { parseZones } from '../../src/gateway/dns/zone-data.ts';
import { zoneResolver } from '../../src/gateway/dns/zone-resolver.ts';
import { clean } from '../../src/mail/reply.ts';
import { type Millis, seconds } from '../../src/mail/time.ts';
import { digest } from '../../src/main/configure.ts';
import { startGateway } from '../../src/main/serve.ts';
import { policyFromBundle } from '../../src/policy/load-policy.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Log } from '../../src/ports/log.ts';
import { type RecipientView, type RecordView, recordView } from '../../src/record/view.ts';
import { send } from './client.ts';
import { type Ending, SCENES, type Scene } from './scenes.ts';
import { type Row, table } from './table.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CONFIG = join(ROOT, 'fixtures/demo/postern.yaml');
const STAGE = join(ROOT, 'var/demo');
const PATIENCE: Millis = seconds(10);

/** The machine's clock, and a way to let time pass that nobody has to wait for. */
function travellingClock(): Clock & { travel(span: Millis): void } {
  let ahead = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + ahead,
    travel: (span) => {
      ahead += span;
    },
  };
}

interface Played {
  readonly scene: Scene;
  readonly answers: ReadonlyMap<string, string>;
}

async function play(): Promise<{ readonly played: readonly Played[]; readonly complaints: readonly string[] }> {
  const zones = parseZones(parse(readFileSync(join(ROOT, 'fixtures/demo/zones.yaml'), 'utf8')));
  if (zones.kind === 'bad') throw new Error(`Cannot play as the zones must be readable: ${zones.problems[0]?.message}`);
  const complaints: string[] = [];
  const complain = (name: string, data: object = {}): void => void complaints.push(`${name} ${JSON.stringify(data)}`);
  const log: Log = { event: () => {}, warn: complain, error: complain };
  const clock = travellingClock();
  const gateway = await startGateway(CONFIG, { clock, log, resolver: zoneResolver(zones.zones) });
  try {
    const played: Played[] = [];
    for (const scene of SCENES) {
      clock.travel(scene.after ?? 0);
      const message = messageOf(scene);
      const { ip, helo, from } = scene;
      const to = Object.keys(scene.to);
      const answers = await send(gateway.addresses[scene.listener]!, { ip, helo, from, to, message });
      played.push({ scene, answers });
    }
    await allDelivered();
    return { played, complaints };
  } finally {
    await gateway.stop();
  }
}

const messageOf = (scene: Scene): string => readFileSync(join(ROOT, 'fixtures/messages', scene.message), 'utf8');

const openStore = () =>
  openSqliteStore({
    path: join(STAGE, 'store'),
    mode: 'visit',
    minFreeBytes: 0,
    retention: undefined,
    log: { event: () => {}, warn: () => {}, error: () => {} },
  });

async function allDelivered(): Promise<void> {
  const store = await openStore();
  const until = systemClock.elapsed() + PATIENCE;
  while ((await store.queue.count({ state: ['waiting', 'leased'] })) > 0 && systemClock.elapsed() < until)
    await wait(20);
  await store.close();
}

async function rowsOf(played: readonly Played[]): Promise<Row[][]> {
  const store = await openStore();
  try {
    const scenes: Row[][] = [];
    for (const { scene, answers } of played) {
      const id = /(?:queued as |\(ref )([0-9a-z]{13})/.exec([...answers.values()].join('\n'))?.[1] ?? '';
      const found = id === '' ? undefined : await store.records.get(id);
      const bundle = found && (await store.records.getBundle(found.record.bundle));
      const view = found && recordView(found.record, found.events, bundle && policyFromBundle(bundle, CHECKS, digest));
      scenes.push(
        Object.entries(scene.to).map(([recipient, expected]) =>
          rowOf(scene, recipient, expected, answers.get(recipient) ?? '', id, view),
        ),
      );
    }
    return scenes;
  } finally {
    await store.close();
  }
}

function rowOf(
  scene: Scene,
  recipient: string,
  [ending, reason]: readonly [Ending, string],
  answer: string,
  id: string,
  view: RecordView | undefined,
): Row {
  const recorded = view?.recipients.find((one) => one.address === recipient);
  const delivered = view?.events.some((event) => event.kind === 'delivered' && event.recipient === recorded?.number);
  const became = recorded === undefined ? 'not on record' : endingOf(recorded.outcome, delivered === true);
  const decided = recorded?.reason ?? '';
  const wrong = [
    became === ending ? '' : `it should be ${ending}`,
    decided === reason ? '' : `${reason} should have decided, not ${decided === '' ? 'nobody' : decided}`,
    ending === 'delivered' && !liesThere(scene, recipient) ? 'it does not lie in the mailbox as it was sent' : '',
    // What is set aside was taken: its sender heard 250.
    answer.startsWith(CODES[ending]) ? '' : `the client heard ${answer}`,
  ].filter((said) => said !== '');
  const why = view === undefined || recorded === undefined ? answer : sayWhy(view, recorded, scene);
  return { title: scene.title, to: recipient, became, why: clean(why, 200), id, wrong: clean(wrong.join('; '), 500) };
}

const CODES: { readonly [ending in Ending]: string } = {
  delivered: '250',
  quarantined: '250',
  refused: '5',
  'put off': '4',
};

function endingOf(outcome: string, delivered: boolean): string {
  if (outcome === 'queued') return delivered ? 'delivered' : 'queued';
  return outcome === 'deferred' ? 'put off' : outcome;
}

function sayWhy(view: RecordView, recipient: RecipientView, { remark = '' }: Scene): string {
  const by = recipient.reason.replace(/^(rule|builtin):/, '');
  if (recipient.outcome === 'queued') return sayTaken(view, recipient, remark);
  if (recipient.why !== '') return `${by}: ${recipient.why}`;
  return `${by}: ${recipient.reply.code} ${recipient.reply.text.replace(/\(ref [^)]*\) /, '')}`;
}

/** What was found, and the rules that had something to say. */
function sayTaken({ facts }: RecordView, { rules, score }: RecipientView, remark: string): string {
  const results = ['spf', 'dkim', 'dmarc'].flatMap((check) => {
    const { result } = (facts[check] ?? {}) as { readonly result?: string };
    return result === undefined ? [] : [`${check} ${result}`];
  });
  const held = [...new Set(rules.filter(({ came }) => came === 'held').map(({ rule }) => rule))];
  return [results.join(', '), remark, score === 0 ? '' : `score ${score}`, held.join(', ')]
    .filter((said) => said !== '')
    .join('; ');
}

/** Octet for octet: what we put in front is ours, the rest is the sender's. */
function liesThere(scene: Scene, recipient: string): boolean {
  const [local = '', domain = ''] = recipient.split('@');
  const folder = join(STAGE, scene.listener === 'mx' ? 'mail' : 'world', domain, local, 'new');
  const sent = messageOf(scene);
  return namesIn(folder).some((name) => {
    const lies = readFileSync(join(folder, name), 'utf8');
    return lies.endsWith(sent) || lies.endsWith(sent.replaceAll('\r\n', '\n'));
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const started = systemClock.elapsed();
rmSync(STAGE, { recursive: true, force: true });
const { played, complaints } = await play();
const scenes = await rowsOf(played);
const colours = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const took = ((systemClock.elapsed() - started) / 1000).toFixed(1);
const here = (path: string): string => relative(process.cwd(), path) || '.';
const wrong = scenes.flat().filter((row) => row.wrong !== '');

process.stdout.write(`
Postern decides about mail by the YAML in policies/, and can tell why. ${SCENES.length} messages came to a gateway on this
machine, from clients all over a made-up world (fixtures/demo/zones.yaml). The command below a line tells
its whole story.

${table(scenes, colours)}
Delivered mail lies in ${here(join(STAGE, 'mail'))}, what left for the world in ${here(join(STAGE, 'world'))}. What was set aside:
     npm run -s postern -- quarantine list --config fixtures/demo/postern.yaml
The rules are in policies/inbound.yaml; their tests in policies/tests/, run by:
     npm run -s policies
Change one and see what it would do, before it is in force:
     npm run -s postern -- explain fixtures/messages/spoof-bank.eml --config fixtures/demo/postern.yaml \\
       --dns fixtures/demo/zones.yaml --client-ip 203.0.113.66 --helo out.quickmail.example \\
       --mail-from dd@quickmail.example --rcpt alice@example.com
`);
if (wrong.length > 0) {
  process.stdout.write(`\n${wrong.length} of ${scenes.flat().length} came out otherwise than they should.\n`);
  for (const complaint of complaints) process.stdout.write(`     ${complaint}\n`);
  process.exitCode = 1;
} else process.stdout.write(`\nAll ${scenes.flat().length} as they should, in ${took} s.\n`);
