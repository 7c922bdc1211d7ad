/** Hosts that keep to the letter and wear us out all the same: a refused RSET, answers that come just in time. */
import { afterEach, expect, test } from 'vitest';
import type { Consignment } from '../../../src/ports/delivery.ts';
import type { QueueEntry } from '../../../src/queue/entry.ts';
import { DEADLINES } from '../../../src/smtp/send/deadlines.ts';
import { SmtpDelivery } from '../../../src/smtp/send/smtp-delivery.ts';
import { anEntry, aTiming } from '../../support/entries.ts';
import { type HostScript, ScriptedHost } from '../../support/scripted-host.ts';
import { sendWorld } from '../../support/sending-world.ts';

const never = new AbortController().signal;
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

async function host(script: HostScript): Promise<ScriptedHost> {
  const started = await ScriptedHost.start(script);
  open.push(started);
  return started;
}

function delivery(deadlines = DEADLINES): SmtpDelivery {
  const made = new SmtpDelivery(sendWorld(), deadlines);
  open.push({ stop: () => made.close() });
  return made;
}

function parcel({ address }: ScriptedHost, entries: readonly Partial<QueueEntry>[] = [{}]): Consignment {
  const octets = Buffer.from('Subject: hello\r\n\r\nBody.\r\n');
  return {
    route: { ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: [address], tls: 'none', auth: null },
    entries: entries.map((changes, n) => anEntry({ id: `x.${n + 1}`, ...changes })),
    size: octets.length,
    async *open() {
      yield octets;
    },
  };
}

test('a line on which RSET was refused is not used again: its next message would be the nested one', async () => {
  const next = await host({
    DATA: (_, line) => (line === 1 ? '451 4.3.0 later' : '354 go on'),
    RSET: '502 5.5.1 no',
  });
  const out = delivery();
  expect((await out.deliver(parcel(next), never))[0]).toMatchObject({ kind: 'transient', reply: { code: 451 } });
  expect((await out.deliver(parcel(next), never))[0]).toMatchObject({ kind: 'delivered' });
  expect(next.connections).toBe(2);
});

test('a host that answers each step just in time is left when it has had its time in all', async () => {
  const slow = await host({
    EHLO: '250 host.test',
    RCPT: () => {
      setTimeout(() => slow.say('250 2.1.5 ok'), 40);
      return '250-wait';
    },
  });
  const out = delivery({ ...DEADLINES, rcpt: 1000, talk: 300 });
  const many = Array.from({ length: 100 }, (_, n) => ({ recipient: `r${n}@store.test` }));
  const results = await out.deliver(parcel(slow, many), never);
  expect(results[99]).toMatchObject({ kind: 'transient', cause: 'it takes too long in all' });
  expect(slow.messages).toEqual([]);
});
