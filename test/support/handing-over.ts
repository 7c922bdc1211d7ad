/** Messages handed to scripted hosts by our client, as the queue hands them over. */
import { afterEach } from 'vitest';
import type { Consignment } from '../../src/ports/delivery.ts';
import type { QueueEntry } from '../../src/queue/entry.ts';
import type { HostAddress, Route } from '../../src/queue/route.ts';
import type { AttemptResult } from '../../src/queue/transition.ts';
import { DEADLINES } from '../../src/smtp/send/deadlines.ts';
import { SmtpDelivery } from '../../src/smtp/send/smtp-delivery.ts';
import { anEntry, aTiming } from './entries.ts';
import { type HostScript, ScriptedHost } from './scripted-host.ts';
import { sendWorld } from './sending-world.ts';

export const never = new AbortController().signal;
export const MESSAGE = 'Subject: hello\r\n\r\nBody.\r\n';
const open: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

export async function host(script: HostScript = {}, path?: string): Promise<ScriptedHost> {
  const started = await ScriptedHost.start(script, path);
  open.push(started);
  return started;
}

export function delivery(deadlines = DEADLINES): SmtpDelivery {
  const made = new SmtpDelivery(sendWorld(), deadlines);
  open.push({ stop: () => made.close() });
  return made;
}

export function route(...hosts: (ScriptedHost | HostAddress)[]): Route & { readonly kind: 'hosts' } {
  const addresses = hosts.map((one) => (one instanceof ScriptedHost ? one.address : one));
  return { ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: addresses, tls: 'none', auth: null };
}

export function parcel(
  to: Route,
  entries: readonly Partial<QueueEntry>[] = [{}],
  text = MESSAGE,
  encoding: BufferEncoding = 'latin1',
): Consignment {
  const octets = Buffer.from(text, encoding);
  return {
    route: to,
    entries: entries.map((changes, n) => anEntry({ id: `x.${n + 1}`, ...changes })),
    size: octets.length,
    async *open() {
      yield octets;
    },
  };
}

/** So many MiB in pieces of 64 KiB; waits for its turn between them, as the store's octets do. `asked` counts the pieces. */
export function largeBody(mebibytes: number) {
  const line = `${'x'.repeat(62)}\r\n`;
  const piece = Buffer.from(`.${line.slice(1)}`.repeat(1024));
  const pieces = mebibytes * 16;
  const body = {
    asked: 0,
    piece,
    size: pieces * piece.length,
    async *open() {
      for (let n = 0; n < pieces; n++) {
        body.asked += 1;
        await new Promise((later) => setImmediate(later));
        yield piece;
      }
    },
  };
  return body;
}

/** Nothing listens there: the port was given back. */
export async function nobody(): Promise<HostAddress> {
  const gone = await ScriptedHost.start();
  const { address } = gone;
  await gone.stop();
  return address;
}

export const brief = (results: readonly AttemptResult[]) =>
  results.map((r) => ('reply' in r && r.reply !== null ? `${r.kind} ${r.reply.code}` : r.kind));
