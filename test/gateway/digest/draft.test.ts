/** Whom a digest is written to, and what it gives a link for. */
import { expect, test } from 'vitest';
import type { DigestSettings } from '../../../src/config/digest.ts';
import type { Installation } from '../../../src/config/installation.ts';
import { draft } from '../../../src/gateway/digest/draft.ts';
import type { QuarantineItem } from '../../../src/ports/queue.ts';
import type { HeldClass } from '../../../src/queue/held-class.ts';
import { NOON, sampleEntry, sampleId, sampleItem } from '../../support/samples.ts';

const signal = new AbortController().signal;
const heldAs = (kind: HeldClass): QuarantineItem =>
  sampleItem(sampleEntry(sampleId(NOON, 1), 'x'), { id: `${kind}.1`, class: kind });

const drafted = (result: 'known' | 'unknown' | 'unsure', others: DigestSettings['others'], classes: HeldClass[]) =>
  draft(
    'bob@example.com',
    { others, link: 'https://q.example', timeZone: 'UTC', from: '' } as DigestSettings,
    {
      installation: {
        ...{ hostname: 'mx.example', postmaster: 'it@example.com' },
        ...{ domains: new Map([['example.com', { route: 'store' }]]), routes: new Map([['store', {}]]) },
      } as unknown as Installation,
      directory: { resolve: async () => ({ result, source: '', listed: true }) },
      digests: {
        untold: async (_recipient, listed) => ({
          items: classes.filter((kind) => listed.includes(kind)).map(heldAs),
          counts: Object.fromEntries(classes.map((kind) => [kind, 1])),
          through: 1,
        }),
      },
      read: async function* () {
        yield Buffer.from('Subject: x\r\n\r\n');
      },
    },
    ({ id }) => `link to ${id}`,
    signal,
  );

test.each(['unknown', 'unsure'] as const)('a recipient that the sources call %s is told nothing', async (result) => {
  expect(await drafted(result, 'count', ['spam'])).toMatchObject({
    kind: 'none',
    why: expect.stringContaining(result),
  });
});

test('what its recipient may not release is listed where that is wanted, and never with a link', async () => {
  const made = await drafted('known', 'list', ['spam', 'bulk', 'policy', 'spoof', 'attachment', 'mixed', 'malware']);
  const items = made.kind === 'digest' ? made.parts.items : [];
  expect(items.map((item) => [item.class, item.link])).toEqual([
    ['spam', 'link to spam.1'],
    ['bulk', 'link to bulk.1'],
    ...['policy', 'spoof', 'attachment', 'mixed', 'malware'].map((kind) => [kind, '']),
  ]);
});
