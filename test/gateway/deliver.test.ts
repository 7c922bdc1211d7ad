import { describe, expect, test } from 'vitest';
import { consign } from '../../src/gateway/deliver.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import type { Route } from '../../src/queue/route.ts';
import { anEntry, aTiming, from } from '../support/entries.ts';

const smtp: Route = { ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: [], tls: 'none', auth: null };
const lmtp: Route = { ...smtp, protocol: 'lmtp' };
const maildir: Route = { ...aTiming, kind: 'maildir', path: '/nowhere' };
const TEXT = 'A: 1\r\nAuthentication-Results: mx.test;\r\n spf=pass\r\nB: 2\r\n\r\nA: body\r\n';

async function leaves(changes: Partial<QueueEntry>, route: Route, pieces: number): Promise<string> {
  const octets = Buffer.from(TEXT);
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
    [
      'has its Return-Path on LMTP',
      { prefix: 'P: 0\r\n' },
      lmtp,
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
});
