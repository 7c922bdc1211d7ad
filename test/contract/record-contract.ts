/** Records: immutable, joined by what happened later, found by their words, dropped by the day. */
import { expect, test } from 'vitest';
import type { RecordQuery } from '../../src/ports/queue.ts';
import { NOON, sampleEvent, sampleId, sampleRecipient, sampleRecord } from '../support/samples.ts';
import type { Engine } from './store-contract.ts';

const DAY = 86_400_000;

export function recordContract({ open, reopen }: Engine): void {
  test('what was appended is there, with the events that joined it, in order', async () => {
    const { records, close } = await open();
    const id = sampleId();
    const record = sampleRecord(id, { recipients: [sampleRecipient({ outcome: 'refused', why: 'größer "\u0001"' })] });
    records.append(record, [sampleEvent(id, 'queued')]);
    await records.addEvents([
      sampleEvent(id, 'attempted', '1'),
      sampleEvent('0000000000000', 'queued'),
      sampleEvent(id, 'delivered'),
    ]);
    await records.addEvents([sampleEvent(id, 'notified')]);
    const found = await records.get(id);
    expect(found!.record).toEqual(record);
    expect(found!.events.map(({ kind }) => kind)).toEqual(['queued', 'attempted', 'delivered', 'notified']);
    expect(await records.get(sampleId(NOON, 1))).toBeUndefined();
    expect(await records.get('no id')).toBeUndefined();
    await close();
  });

  test('a record found once is not written over', async () => {
    const { records, close } = await open();
    const id = sampleId();
    records.append(sampleRecord(id), []);
    records.append(sampleRecord(id, { listener: 'other' }), []);
    expect((await records.get(id))!.record.listener).toBe('mx');
    await close();
  });

  test('search finds by words, time and page, newest first', async () => {
    const { records, close } = await open();
    const id = (n: number) => sampleId(NOON + n * 1000 - (n === 1 ? DAY : 0), n);
    const at = (n: number, changes: object = {}) => records.append(sampleRecord(id(n), changes), []);
    at(1);
    at(2, {
      recipients: [
        sampleRecipient({ address: 'Eve@example.net', verdict: 'reject', rule: 'spoof', reason: 'rule:spoof' }),
      ],
    });
    at(3, {
      facts: {
        client: { ip: '2001:db8::1', network: '2001:db8::/64', name: '', user: 'carol' },
        mail: { address: '' },
      },
      recipients: [],
      message: null,
      session: {
        decisions: [],
        calls: {},
        end: {
          verdict: 'reject',
          rule: '',
          reason: 'builtin:relay-denied',
          stage: 'rcpt',
          reply: { code: 550, enhanced: '5.7.1', text: 'no' },
        },
      },
    });
    at(4, {
      recipients: [
        sampleRecipient(),
        sampleRecipient({ number: 2, address: 'eve@example.net', verdict: 'reject', rule: 'spam' }),
      ],
    });
    const table: readonly (readonly [RecordQuery, readonly number[]])[] = [
      [{}, [4, 3, 2, 1]],
      [{ limit: 2 }, [4, 3]],
      [{ limit: 2, before: id(3) }, [2, 1]],
      [{ id: id(2) }, [2]],
      [{ to: 'eve@example.net' }, [4, 2]],
      [{ to: 'EXAMPLE.net', verdict: 'accept' }, [4]],
      [{ from: 'alice@example.org' }, [4, 2, 1]],
      [{ from: '@example.org', limit: 1 }, [4]],
      [{ client: '192.0.2.1' }, [4, 2, 1]],
      [{ client: '192.0.2.0/24', rule: 'spoof' }, [2]],
      [{ client: 'carol' }, [3]],
      [{ rule: 'builtin:relay-denied' }, [3]],
      [{ rule: 'rule:spoof' }, [2]],
      [{ verdict: 'reject' }, [4, 3, 2]],
      [{ messageId: `<${id(1)}@example.org>` }, [1]],
      [{ since: NOON, until: NOON + 3000 }, [3, 2]],
      [{ until: NOON }, [1]],
      [{ to: 'nobody@example.com' }, []],
    ];
    for (const [query, expected] of table)
      expect([query, (await records.search(query)).map((record) => record.id)]).toEqual([query, expected.map(id)]);
    await close();
  });

  test('whole days are dropped, and only those that ended', async () => {
    const { records, close } = await open();
    const ids = [0, 1, 2].map((n) => sampleId(NOON + n * DAY));
    for (const id of ids) records.append(sampleRecord(id), []);
    expect(await records.dropBefore(NOON + 2 * DAY)).toEqual(['2026-11-22', '2026-11-23']);
    expect((await records.search({})).map(({ id }) => id)).toEqual([ids[2]]);
    expect(await records.get(ids[0]!)).toBeUndefined();
    await records.addEvents([sampleEvent(ids[0]!, 'delivered')]);
    expect(await records.get(ids[0]!)).toBeUndefined();
    expect(await records.dropBefore(NOON + 2 * DAY)).toEqual([]);
    await close();
  });

  test('a bundle is stored once under its digest', async () => {
    const { records, close } = await open();
    const bundle = {
      digest: 'ab'.repeat(16),
      policy: 'inbound',
      files: [{ path: 'inbound.yaml', text: 'policy: inbound' }],
      installation: { domains: {} },
    };
    expect(await records.getBundle(bundle.digest)).toBeUndefined();
    await records.putBundle(bundle);
    await records.putBundle(bundle);
    expect(await records.getBundle(bundle.digest)).toEqual(bundle);
    await close();
  });

  test.runIf(reopen)('records, words and bundles survive closing', async () => {
    const store = await open();
    const bundle = { digest: 'cd'.repeat(16), policy: 'inbound', files: [], installation: { domains: {} } };
    await store.records.putBundle(bundle);
    store.records.append(sampleRecord(sampleId()), [sampleEvent(sampleId(), 'queued')]);
    await store.close();
    const again = await reopen!(store);
    expect((await again.records.get(sampleId()))!.events).toHaveLength(1);
    expect(await again.records.search({ to: 'bob@example.com' })).toHaveLength(1);
    expect(await again.records.getBundle(bundle.digest)).toEqual(bundle);
    await again.close();
  });
}
