/** Overrides begin, end by themselves, and outlive the process. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { overrideFile } from '../../src/adapters/files/override-file.ts';
import { Overrides } from '../../src/main/overrides.ts';
import type { Override } from '../../src/policy/override.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { RULES } from '../support/record.ts';
import { NOON } from '../support/samples.ts';
import { rememberingLog, temporaryFolder } from '../support/store-folder.ts';

const WISH = { kind: 'rule', name: 'partners', policy: '', by: 'olga', why: 'INC-1', span: 3_600_000 } as const;

function standing(folder = temporaryFolder(), start = NOON) {
  const applied: (readonly string[])[] = [];
  let heard: () => void = () => {};
  let now = start;
  let wake: () => void = () => {};
  const log = rememberingLog();
  let drawn = 0;
  const overrides = new Overrides({
    store: overrideFile(folder),
    clock: {
      now: () => now,
      elapsed: () => now,
      sleep: (_span, signal) =>
        new Promise((resolve, reject) => {
          wake = resolve;
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
    },
    log,
    newId: () => {
      drawn += 1;
      return `id${drawn}`;
    },
    policies: () => new Map([['inbound', { name: 'inbound', rules: RULES, checks: [] } as unknown as Policy]]),
    apply: async (next) => {
      applied.push(next.map(({ id }) => id));
      heard();
      return [];
    },
  });
  onTestFinished(() => overrides.stop());
  return {
    folder,
    overrides,
    applied,
    log,
    /** Time goes on, and whoever slept is woken. */
    later: (span: number) => {
      now += span;
      const told = new Promise<void>((resolve) => {
        heard = resolve;
      });
      wake();
      return told;
    },
  };
}

test('one that runs out is taken out of force and out of the file, the others stay', async () => {
  const { overrides, applied, later, folder } = standing();
  await overrides.start();
  await overrides.begin(WISH);
  await overrides.begin({ ...WISH, span: 7_200_000 });
  await later(3_600_000);
  expect(applied).toEqual([['id1'], ['id1', 'id2'], ['id2']]);
  const kept = JSON.parse(readFileSync(join(folder, 'overrides.json'), 'utf8')) as Override[];
  expect(kept.map(({ id }) => id)).toEqual(['id2']);
});

test('one that ran out while nobody ran is ended at the start, and one in force is said to be', async () => {
  const first = standing();
  await first.overrides.begin(WISH);
  await first.overrides.begin({ ...WISH, span: 7_200_000 });
  const second = standing(first.folder, NOON + 3_600_000);
  await second.overrides.start();
  expect(second.overrides.list.map(({ id }) => id)).toEqual(['id2']);
  expect(second.log.names).toEqual(['override.in_force', 'override.ended']);
});

test('what is not there cannot be braked, and the file stays as it was', async () => {
  const { overrides, folder } = standing();
  await overrides.begin(WISH);
  const before = readFileSync(join(folder, 'overrides.json'), 'utf8');
  await expect(overrides.begin({ ...WISH, name: 'partnres' })).rejects.toThrow(
    'no policy in force has a rule "partnres"',
  );
  await expect(overrides.begin({ ...WISH, policy: 'outbound' })).rejects.toThrow('there is no policy "outbound"');
  await expect(overrides.end('id9', 'olga')).rejects.toThrow('there is no override id9; in force are: id1');
  expect(readFileSync(join(folder, 'overrides.json'), 'utf8')).toBe(before);
});

test('a file that somebody spoiled is named with its remedy', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'overrides.json'), '[{"id":1}]');
  expect(() => overrideFile(folder).read()).toThrow(/overrides\.json.*Remove it to end all overrides/);
});
