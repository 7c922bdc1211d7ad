/** A large message reaches a scanner octet for octet, though its pieces do not last and the scanner stops reading for a while. */
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { clamd } from '../../../src/adapters/services/clamd.ts';
import { rspamd } from '../../../src/adapters/services/rspamd.ts';
import { spamd } from '../../../src/adapters/services/spamd.ts';
import { hostileService } from '../../support/hostile-service.ts';
import { spoiled } from '../../support/spoiled.ts';

const TEXT = Buffer.from(Array.from({ length: 160_000 }, (_, n) => `${n} ${'y'.repeat(90)}\r\n`).join(''));
const never = new AbortController().signal;
const ENVELOPE = {
  ...{ client: { ip: '192.0.2.1', name: '' }, helo: '', user: '', from: '', recipients: [], id: 'a', by: 'b', at: 0 },
};
const JSON_CLEAN = '{"score":0.0,"required_score":15.0,"action":"no action","symbols":{}}';

/** Pieces that are smaller than what a socket holds back, so that several would wait in it; `asked` counts them. */
function pieces() {
  const read = { asked: 0, octets: spoiled(TEXT, small()) };
  function* small() {
    for (; ; read.asked++) yield 10_000;
  }
  return read;
}

/** Nothing more is asked for, however often one looks: the kernel's buffers are full. */
async function stalled(asked: () => number): Promise<void> {
  let [before, rounds] = [-1, 0];
  while (asked() < 2 || rounds++ < 200 || before !== asked()) {
    before = asked();
    for (let n = 0; n < 20; n++) await new Promise((later) => setImmediate(later));
  }
}

/** Reads nothing until it is told to, then all of it, and answers when `whole` says so. */
async function scanner(whole: (heard: Buffer) => boolean, answer: string) {
  let met: (socket: Socket) => void = () => {};
  const socket = new Promise<Socket>((resolve) => {
    met = resolve;
  });
  const { port } = await hostileService((one) => {
    one.pause();
    met(one);
  });
  return {
    port,
    async heard(): Promise<Buffer> {
      const chunks: Buffer[] = [];
      const one = await socket;
      return new Promise((resolve) => {
        one.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          if (!whole(Buffer.concat(chunks.slice(-2)))) return;
          one.end(answer);
          resolve(Buffer.concat(chunks));
        });
        one.resume();
      });
    },
  };
}

/** Its last line has its number. */
const ends = (heard: Buffer) => heard.subarray(-99).equals(TEXT.subarray(-99));

test('clamd, in chunks with their lengths', async () => {
  const hop = await scanner((heard) => heard.subarray(-4).equals(Buffer.alloc(4)), 'stream: OK\0');
  const client = clamd({ ...at(hop.port), maxBytes: 1e9 });
  const { read, heard, said } = await ask(hop, (octets) => client.scan({ message: 'm', octets }, never));
  expect(said).toEqual({ kind: 'clean' });
  const got: Buffer[] = [];
  for (let from = 'zINSTREAM\0'.length; from < heard.length - 4; ) {
    const length = heard.readUInt32BE(from);
    got.push(heard.subarray(from + 4, from + 4 + length));
    from += 4 + length;
  }
  expect(Buffer.concat(got).equals(TEXT)).toBe(true);
  expect(read.asked).toBeGreaterThan(1000);
});

test('spamd', async () => {
  const hop = await scanner(ends, 'SPAMD/1.1 0 EX_OK\r\nContent-length: 2\r\nSpam: False ; -1.0 / 5.0\r\n\r\n\r\n');
  const client = spamd(at(hop.port));
  const message = { size: TEXT.length, sha256: '' };
  const { heard, said } = await ask(hop, (octets) => client.scan({ ...message, octets }, ENVELOPE, '', never));
  expect(said).toMatchObject({ score: -1 });
  expect(heard.subarray(-TEXT.length).equals(TEXT)).toBe(true);
});

test('rspamd', async () => {
  const hop = await scanner(ends, `HTTP/1.1 200 OK\r\nContent-Length: ${JSON_CLEAN.length}\r\n\r\n${JSON_CLEAN}`);
  const client = rspamd({ url: `http://127.0.0.1:${hop.port}`, connectTimeout: 5000 });
  const message = { size: TEXT.length, sha256: '' };
  const { heard, said } = await ask(hop, (octets) => client.scan({ ...message, octets }, ENVELOPE, '', never));
  expect(said).toMatchObject({ score: 0 });
  expect(heard.subarray(-TEXT.length).equals(TEXT)).toBe(true);
});

const at = (port: number) => ({ address: { kind: 'tcp', host: '127.0.0.1', port }, connectTimeout: 5000 }) as const;

async function ask<T>(
  hop: { heard(): Promise<Buffer> },
  scan: (octets: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<{ readonly read: { readonly asked: number }; readonly heard: Buffer; readonly said: T }> {
  const read = pieces();
  const verdict = scan(read.octets);
  await stalled(() => read.asked);
  const [said, heard] = await Promise.all([verdict, hop.heard()]);
  return { read, heard, said };
}
