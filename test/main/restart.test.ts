/** A restart on a socket that was passed: under load no client is refused a connection, and nothing promised is lost. */
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ArrivalsHost } from '../support/arrivals-host.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { sendLetters } from '../support/letter-clients.ts';
import { SocketHolder } from '../support/socket-holder.ts';
import { openStore } from '../support/store-folder.ts';

/** What a client that only says QUIT meets: the code of its greeting, or of the system's error. */
const greeting = (port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let said = '';
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('data', (chunk) => {
      if (said === '') socket.end('QUIT\r\n');
      said += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(said.slice(0, 3)));
  });

const RESTARTS = 3;

test.each([1, 2])(
  'three restarts under load, %i session threads',
  async (threads) => {
    const host = await ArrivalsHost.start();
    onTestFinished(() => host.stop());
    const at = installationFolder([
      'domains: { mail.test: { route: store, recipients: any } }',
      `routes: { store: { hosts: ["127.0.0.1:${host.port}"], tls: none } }`,
      'limits: { network_connections: 1000000, network_sessions: 10000 } # the load comes from one address',
      `threads: ${threads}`,
    ]);
    const holder = SocketHolder.open();
    let gateway = new GatewayProcess(at.config, holder.passTo('mx'));
    await gateway.heard('gateway.started');

    let over = false;
    const met = new Map<string, number>();
    const probing = (async () => {
      while (!over) {
        const what = await greeting(holder.port);
        met.set(what, (met.get(what) ?? 0) + 1);
      }
    })();
    const promised: string[] = [];
    const answered: string[] = [];
    let sent = 0;
    const load = sendLetters({
      connections: 6,
      where: async () => (over ? undefined : holder.port),
      next: () => (over ? undefined : { mark: `n${++sent}`, recipients: ['bob@mail.test'], size: 300 }),
      promised: ({ letter }) => promised.push(letter.mark),
      refused: (_, reply) => answered.push(reply.slice(0, 3)),
    });
    for (let n = 1; n <= RESTARTS; n++) {
      const before = promised.length;
      await expect.poll(() => promised.length, { timeout: 20_000, interval: 20 }).toBeGreaterThan(before + 100);
      gateway.signal('SIGTERM');
      expect(await gateway.ended).toMatchObject({ code: 0 });
      gateway = new GatewayProcess(at.config, holder.passTo('mx'));
      await gateway.heard('gateway.started');
    }
    over = true;
    await Promise.all([load, probing]);

    // Who came while nobody accepted waited a moment; who was at rest in a session heard 421.
    expect([...met.keys()].filter((what) => what !== '220' && what !== '421')).toEqual([]);
    expect(answered.filter((code) => code !== '421')).toEqual([]);
    const store = await openStore(at.store, { mode: 'visit' });
    await expect.poll(() => store.queue.count({}), { timeout: 15_000, interval: 50 }).toBe(0);
    await store.close();
    const arrived = host.arrivals.map(({ mark }) => mark);
    expect(promised.filter((mark) => !arrived.includes(mark))).toEqual([]);
    expect(new Set(arrived).size).toBe(arrived.length);
    gateway.signal('SIGTERM');
    expect(await gateway.ended).toMatchObject({ code: 0 });
  },
  60_000,
);
