/** What an attempt that ends early is told as, and how early it ends: cut off over a kept line, answered in the middle, hosts that are not there. */
import { afterEach, expect, test } from 'vitest';
import { dialSocket } from '../../../src/adapters/net/dial.ts';
import type { Consignment } from '../../../src/ports/delivery.ts';
import type { Dial } from '../../../src/ports/dial.ts';
import { sayHost } from '../../../src/queue/host.ts';
import type { Route } from '../../../src/queue/route.ts';
import { Outcomes } from '../../../src/smtp/send/outcomes.ts';
import { SmtpDelivery } from '../../../src/smtp/send/smtp-delivery.ts';
import { anEntry, aTiming } from '../../support/entries.ts';
import { gate } from '../../support/gate.ts';
import { type HostScript, ScriptedHost } from '../../support/scripted-host.ts';
import { sendWorld } from '../../support/sending-world.ts';

const never = new AbortController().signal;
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
});

/** `hears` hears with us. */
async function to(script: HostScript, hears: (said: string) => void = () => {}) {
  const next = await ScriptedHost.start(script);
  const dial: Dial = async (...where) => {
    const dialled = await dialSocket(...where);
    if (dialled.kind === 'failed') return dialled;
    const { line } = dialled;
    const listen = line.listen.bind(line);
    line.listen = ({ heard, ended }) =>
      listen({
        ended,
        heard: (octets) => {
          heard(octets);
          hears(Buffer.from(octets).toString());
        },
      });
    return dialled;
  };
  const out = new SmtpDelivery(sendWorld({ dial }));
  open.push(next, { stop: () => out.close() });
  const route: Route = {
    ...{ ...aTiming, kind: 'hosts', protocol: 'smtp', hosts: [next.address], tls: 'none', auth: null },
  };
  const parcel = (body: Consignment['open'], size: number) => ({ route, entries: [anEntry()], size, open: body });
  return { next, out, parcel };
}
async function* small() {
  yield Buffer.from('Subject: x\r\n\r\nBody.\r\n');
}

test('an attempt whose time is over while a kept line is in use says so, and opens no other', async () => {
  let mails = 0;
  const { next, out, parcel } = await to({ MAIL: () => (mails++ === 0 ? '250 ok' : 'hang') });
  await out.deliver(parcel(small, 21), never);
  const stop = new AbortController();
  const going = out.deliver(parcel(small, 21), stop.signal);
  await expect.poll(() => mails, { timeout: 20_000 }).toBe(2);
  stop.abort(new DOMException('', 'TimeoutError'));
  expect(await going).toEqual([
    { kind: 'transient', host: sayHost(next.address), reply: null, cause: 'it takes too long in all' },
  ]);
  expect(next.connections).toBe(1);
});

test.each<[string, HostScript]>([
  ['after DATA', { early: { says: '552 5.3.4 too big', drop: false } }],
  ['in chunks', { keywords: ['CHUNKING'], BDAT: '552 5.3.4 too big' }],
])('%s a host that has answered in the middle of a message is sent no more of it', async (_, script) => {
  const { shut: answered, open: hears } = gate();
  const { out, parcel } = await to(script, (said) => said.startsWith('552') && hears());
  const piece = Buffer.from(`${'x'.repeat(62)}\r\n`);
  let asked = 0;
  // Fewer than the chunks that may go ahead unanswered.
  async function* body() {
    for (; asked < 12; asked++) {
      yield piece;
      if (asked === 3) await answered;
    }
  }
  expect(await out.deliver(parcel(body, 12 * piece.length), never)).toMatchObject([
    { kind: 'permanent', reply: { code: 552 } },
  ]);
  expect(asked).toBeLessThan(6);
});

test('only a host that talked has put a message off', () => {
  const outcomes = new Outcomes(1);
  const silent = { kind: 'transient', host: 'a:25', reply: null, cause: 'connection refused' } as const;
  outcomes.heard([silent]);
  expect(outcomes.putOff).toBe(0);
  outcomes.heard([{ ...silent, cause: 'it hung up', talked: true }]);
  expect(outcomes.putOff).toBe(1);
  expect(outcomes.results()).toEqual([{ ...silent, cause: 'it hung up' }]);
});
