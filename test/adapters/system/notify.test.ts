/** The notifier with a program of the test's in the place of systemd-notify: what it is given, in which order, and how its failures are told. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { notifier } from '../../../src/adapters/system/notify.ts';
import type { Millis } from '../../../src/mail/time.ts';
import type { Log } from '../../../src/ports/log.ts';
import { temporaryFolder } from '../../support/store-folder.ts';

/** A program that appends its arguments and what it sees of the environment, one call a line. */
function speaker(script = 'echo "$NOTIFY_SOCKET $*" >> "$(dirname "$0")/said"') {
  const folder = temporaryFolder();
  const program = join(folder, 'speaker');
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  const file = join(folder, 'said');
  return {
    program,
    said: (): readonly string[] => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []),
  };
}

function listening(program: string, watchdogEvery?: Millis) {
  const logged: string[] = [];
  const hear = (name: string, data: object = {}): void => void logged.push(`${name} ${JSON.stringify(data)}`);
  const log: Log = { event: hear, warn: hear, error: hear };
  const supervision = { kind: 'supervised', socket: '/run/n', watchdogEvery } as const;
  return { logged, notify: notifier({ supervision, log, program, path: process.env.PATH ?? dirname(program) }) };
}

test('what is said is said in order, and a reload bears the time of the monotonic clock', async () => {
  // The first word takes longer than the others: they must wait for it all the same.
  const { program, said } = speaker(
    'test "$2" = "STATUS=a b" && sleep 0.2; echo "$NOTIFY_SOCKET $*" >> "$(dirname "$0")/said"',
  );
  const { notify, logged } = listening(program);
  const before = process.hrtime.bigint() / 1000n;
  await Promise.all([notify.ready('a b'), notify.reloading(), notify.ready('again'), notify.stopping('bye')]);
  expect(said().map((line) => line.replace(/(?<=USEC=)\d+/, 'N'))).toEqual([
    '/run/n READY=1 STATUS=a b',
    '/run/n RELOADING=1 MONOTONIC_USEC=N',
    '/run/n READY=1 STATUS=again',
    '/run/n STOPPING=1 STATUS=bye',
  ]);
  const at = BigInt(/USEC=(\d+)/.exec(said()[1]!)![1]!);
  expect(at >= before && at <= process.hrtime.bigint() / 1000n).toBe(true);
  expect(logged).toEqual([]);
});

test('a text is one argument: no shell reads it', async () => {
  const { program, said } = speaker('printf "%s\\n" "$#" >> "$(dirname "$0")/said"');
  await listening(program).notify.ready('$(id); `id` "');
  expect(said()).toEqual(['2']);
});

test('a program that is not there is told once, with a remedy, and nothing stops', async () => {
  const { notify, logged } = listening(join(temporaryFolder(), 'nobody'));
  await notify.ready('x');
  await notify.status('y');
  expect(logged).toEqual([expect.stringMatching(/^notify\.failed .*"ready".*is not there.*install systemd/)]);
});

test('a failure that comes again after a success is told again', async () => {
  const { program } = speaker('test "$1" != "STATUS=bad"');
  const { notify, logged } = listening(program);
  for (const text of ['bad', 'bad', 'good', 'bad']) await notify.status(text);
  expect(logged.length).toBe(2);
});

test('the watchdog hears of us while we are well, and no more from then on', async () => {
  const { program, said } = speaker();
  const { notify, logged } = listening(program, 20);
  let well = true;
  onTestFinished(notify.watchdog(() => well));
  await expect.poll(() => said().length).toBeGreaterThanOrEqual(2);
  well = false;
  await expect.poll(() => logged.length).toBe(1);
  expect(logged[0]).toMatch(/^watchdog\.withheld/);
  // Whatever was under way has been said when the next word has been.
  await notify.status('end');
  expect(said().at(-1)).toBe('/run/n STATUS=end');
  expect(new Set(said().slice(0, -1))).toEqual(new Set(['/run/n WATCHDOG=1']));
});

test('nobody listens: nothing is started and nothing is logged', async () => {
  const { program, said } = speaker();
  const complain = (): never => expect.unreachable('nothing to log');
  const log: Log = { event: complain, warn: complain, error: complain };
  const notify = notifier({ supervision: { kind: 'unsupervised' }, log, program, path: '' });
  await notify.ready('x');
  await notify.reloading();
  notify.watchdog(() => true)();
  expect(said()).toEqual([]);
});
