import { describe, expect, test } from 'vitest';
import { consign, DeliveryByRoute } from '../../src/gateway/deliver.ts';
import type { Delivery } from '../../src/ports/delivery.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import type { Route } from '../../src/queue/route.ts';
import { anEntry, aTiming, from } from '../support/entries.ts';

const smtp: Route = { ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: [], tls: 'none', auth: null };
const lmtp: Route = { ...smtp, protocol: 'lmtp' };
const maildir: Route = { ...aTiming, kind: 'maildir', path: '/nowhere' };
const TEXT = 'A: 1\r\nAuthentication-Results: mx.test;\r\n spf=pass\r\nB: 2\r\n\r\nA: body\r\n';

async function leaves(changes: Partial<QueueEntry>, route: Route, pieces: number, text = TEXT): Promise<string> {
  const octets = Buffer.from(text);
  const read = async function* () {
    for (let at = 0; at < octets.length; at += pieces) yield octets.subarray(at, at + pieces);
  };
  const chunks: Uint8Array[] = [];
  for await (const chunk of consign([anEntry(changes)], route, read).open(new AbortController().signal))
    chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe.each([1, 7, 1000])('what leaves, read in pieces of %i octets', (pieces) => {
  const table: readonly [string, Partial<QueueEntry>, Route, string][] = [
    ['is the content as it came', {}, smtp, TEXT],
    ['begins with the prefix', { prefix: 'Received: x\r\n' }, smtp, `Received: x\r\n${TEXT}`],
    [
      'has added fields on top of the received ones, the last one topmost',
      {
        prefix: 'P: 0\r\n',
        edits: [
          { kind: 'addField', field: 'X: 1' },
          { kind: 'addField', field: 'Y: 2' },
        ],
      },
      smtp,
      `P: 0\r\nY: 2\r\nX: 1\r\n${TEXT}`,
    ],
    [
      'lacks the fields that were taken off, and only those',
      {
        edits: [
          { kind: 'removeField', index: 1 },
          { kind: 'addField', field: 'X: 1' },
        ],
      },
      smtp,
      'X: 1\r\nA: 1\r\nB: 2\r\n\r\nA: body\r\n',
    ],
    ['has no Return-Path of ours by LMTP, whose other side writes it', { prefix: 'P: 0\r\n' }, lmtp, `P: 0\r\n${TEXT}`],
    [
      'has its Return-Path in a maildir',
      { prefix: 'P: 0\r\n' },
      maildir,
      `Return-Path: <alice@sender.test>\r\nP: 0\r\n${TEXT}`,
    ],
    [
      'has an empty Return-Path in a maildir when the sender is null',
      { reversePath: from('') },
      maildir,
      `Return-Path: <>\r\n${TEXT}`,
    ],
  ];
  test.each(table)('%s', async (_, changes, route, expected) => {
    expect(await leaves(changes, route, pieces)).toBe(expected);
  });

  test('lacks the lines that were taken off and are no fields', async () => {
    const edits: QueueEntry['edits'] = [
      { kind: 'removeStray', index: 1 },
      { kind: 'removeField', index: 1 },
      { kind: 'removeStray', index: 0 },
    ];
    const text = `\x0cX: 1\r\nA: 1\r\nx\r\n y\r\nz\r\nB: 2\r\n\r\n\x0cbody\r\n`;
    expect(await leaves({ edits }, smtp, pieces, text)).toBe('A: 1\r\nz\r\n\r\n\x0cbody\r\n');
  });
});

describe('a consignment', () => {
  test('says its size with what is put on top', () => {
    const entry = anEntry({ prefix: 'P: 0\r\n', edits: [{ kind: 'addField', field: 'X: 1' }], contentSize: 100 });
    const read = () => {
      throw new Error('nobody asked for the octets');
    };
    expect(consign([entry], smtp, read).size).toBe(112);
    expect(consign([entry], maildir, read).size).toBe(112 + 'Return-Path: <alice@sender.test>\r\n'.length);
  });

  test('does not gather a header section without end', async () => {
    let read = 0;
    const endless = async function* () {
      for (; read < 100; read++) yield Buffer.from('A: 1\r\n'.repeat(1000));
    };
    const parcel = consign([anEntry({ edits: [{ kind: 'removeField', index: 0 }] })], smtp, endless);
    const [first] = await parcel
      .open(new AbortController().signal)
      [Symbol.asyncIterator]()
      .next()
      .then((it) => [it.value]);
    expect(read).toBeLessThan(25);
    expect(first?.length).toBe((read + 1) * 6000 - 6);
  });
});

describe('by its route', () => {
  const way = (name: string, log: string[]): Delivery => ({
    deliver: async ({ entries }) => {
      log.push(name);
      return entries.map(() => ({ kind: 'indeterminate', host: name, cause: '' }));
    },
    close: async () => void log.push(`${name} closed`),
  });
  const mx: Route = { ...aTiming, kind: 'mx', port: 25, tls: 'dane' };

  test.each<[string, Route, string]>([
    ['hosts', smtp, 'smtp'],
    ['hosts by LMTP', lmtp, 'smtp'],
    ['a maildir', maildir, 'maildir'],
    ['MX', mx, 'smtp'],
  ])('to %s', async (_, route, expected) => {
    const out = new DeliveryByRoute(way('smtp', []), way('maildir', []));
    const parcel = consign([anEntry()], route, async function* () {});
    expect(await out.deliver(parcel, new AbortController().signal)).toMatchObject([
      { host: expected, kind: 'indeterminate' },
    ]);
  });

  test('both ways are closed', async () => {
    const log: string[] = [];
    await new DeliveryByRoute(way('smtp', log), way('maildir', log)).close();
    expect(log.sort()).toEqual(['maildir closed', 'smtp closed']);
  });
});
