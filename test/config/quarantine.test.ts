import { describe, expect, test } from 'vitest';
import { loadInstallation } from '../../src/config/load-installation.ts';
import { days, hours } from '../../src/mail/time.ts';
import { filesOf } from '../support/installation-files.ts';

const FILE = '/etc/postern/postern.yaml';
const LEAST = `hostname: mx1.example.com
listeners: { mx: { address: "127.0.0.1:0", policy: inbound } }
domains: { example.com: { route: store, recipients: any } }
routes: { store: { hosts: ["mail1.internal:25"] } }
`;
const load = (quarantine: string) =>
  loadInstallation(
    FILE,
    filesOf({ '/etc/postern/policies/inbound.yaml': 'policy: inbound\n', [FILE]: `${LEAST}${quarantine}\n` }),
  );
const kept = (quarantine: string) => {
  const { installation, problems } = load(quarantine);
  expect(problems).toEqual([]);
  return installation!.quarantine;
};

describe('quarantine:', () => {
  test('keeps everything for thirty days and ten GiB when nothing is said', () => {
    const { retention, maxBytes } = kept('');
    expect(new Set(Object.values(retention))).toEqual(new Set([days(30)]));
    expect(maxBytes).toBe(10 * 1024 ** 3);
  });

  test('takes one span for all classes, or a span each with a default for the rest', () => {
    expect(kept('quarantine: { retention: 14d }').retention).toMatchObject({ spam: days(14), undeliverable: days(14) });
    expect(kept('quarantine: { retention: { malware: 7d, spam: 12h } }').retention).toMatchObject({
      malware: days(7),
      spam: hours(12),
      policy: days(30),
    });
    expect(kept('quarantine: { retention: { malware: 7d, default: 2d } }').retention).toMatchObject({
      malware: days(7),
      policy: days(2),
    });
  });

  test.each([
    ['a class that does not exist', '{ retention: { smap: 7d } }', 'spam'],
    ['a span without a unit', '{ retention: 30 }', 'a duration such as 30d, or a map of classes'],
    ['a span that no digest reaches', '{ retention: 5m }', 'too short'],
    ['a span of a class without a unit', '{ retention: { spam: 7 } }', 'duration'],
    ['a size that one message fills', '{ max_size: 1 MiB }', 'limits.message'],
    ['a key that does not exist', '{ max_items: 7 }', 'max_items'],
  ])('%s is refused with its place and a remedy', (_what, written, said) => {
    const { problems } = load(`quarantine: ${written}`);
    expect(problems.map(({ place, message, remedy }) => `${place.line} ${message} → ${remedy}`)).toEqual([
      expect.stringContaining(said),
    ]);
    expect(problems[0]!.place.line).toBe(5);
  });
});
