/** What recipient sources are made of: secrets kept back, lines that end, connections that are kept and given up. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { HeldClients } from '../../../src/adapters/recipients/held-clients.ts';
import { ldapClient } from '../../../src/adapters/recipients/ldap.ts';
import { LineWatch } from '../../../src/adapters/recipients/line-watch.ts';
import { troubleOf } from '../../../src/adapters/recipients/secrets.ts';
import { hostileService } from '../../support/hostile-service.ts';

const asked = { address: 'alice@store.test', local: 'Alice', domain: 'store.test' };
const soon = () => AbortSignal.timeout(20_000);

test('what a server says back of a secret is not told, wherever it stands', () => {
  const both = new AggregateError([new Error('no hunter2'), new Error('hunter2 hunter2')], 'all');
  for (const error of [new Error('bind with hunter2 failed'), 'hunter2', both]) {
    const told = troubleOf(error, 'hunter2');
    expect(told.message).not.toContain('hunter2');
    expect(told.message).toContain('(masked)');
  }
});

test.each([
  [{ code: 21 }, 'unsure'],
  [{ code: '22021' }, 'unsure'],
  [{ code: '2202' }, 'down'],
  [{ code: 49 }, 'down'],
  [undefined, 'down'],
])('an error with %j is about %s', (fields, kind) => {
  expect(troubleOf(Object.assign(new Error('x'), fields), undefined).kind).toBe(kind);
});

/** A socket to somebody who says nothing. */
async function line(): Promise<Socket> {
  const { port } = await hostileService(() => {});
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

test('work whose time is over before it begins ends, and its line with it', async () => {
  const socket = await line();
  const watch = new LineWatch(socket);
  await expect(watch.run(AbortSignal.abort(), () => new Promise(() => {}))).rejects.toThrow('did not answer in time');
  expect(socket.destroyed).toBe(true);
});

test('what the socket says is told before what a library makes of it', async () => {
  const socket = await line();
  const watch = new LineWatch(socket);
  const work = watch.run(soon(), async () => {
    socket.destroy(new Error('reset by peer'));
    await once(socket, 'close').catch(() => {});
    throw new Error('undefined is not an object');
  });
  await expect(work).rejects.toThrow('reset by peer');
});

/** Clients that are numbered as they are opened. */
function held() {
  const opened: { broken: boolean; closed: boolean; fails: boolean }[] = [];
  const used: number[] = [];
  const clients = new HeldClients(async () => {
    const no = opened.length;
    const one = { broken: false, closed: false, fails: false };
    opened.push(one);
    return {
      ask: async () => {
        used.push(no);
        if (one.fails) throw new Error('gone');
        return 'known';
      },
      get broken() {
        return one.broken;
      },
      close: () => {
        one.closed = true;
      },
    };
  });
  afterEach(() => clients.close());
  return { clients, opened, used };
}

test('a connection is used again, unless it broke meanwhile', async () => {
  const { clients, opened, used } = held();
  await clients.ask(asked, soon());
  await clients.ask(asked, soon());
  opened[0]!.broken = true;
  await clients.ask(asked, soon());
  expect(used).toEqual([0, 0, 1]);
});

test('one that fails is closed; where it was broken the question goes over another, once', async () => {
  const { clients, opened, used } = held();
  await clients.ask(asked, soon());
  Object.assign(opened[0]!, { fails: true });
  await expect(clients.ask(asked, soon())).rejects.toThrow('gone');
  expect([opened[0]!.closed, opened.length]).toEqual([true, 1]);
  await clients.ask(asked, soon());
  expect(used).toEqual([0, 0, 1]);
});

test('who has no time left is not asked over another', async () => {
  const { clients, opened } = held();
  await clients.ask(asked, soon());
  Object.defineProperty(opened[0]!, 'fails', {
    get() {
      opened[0]!.broken = true;
      return true;
    },
  });
  await expect(clients.ask(asked, AbortSignal.abort())).rejects.toThrow('gone');
  expect(opened).toHaveLength(1);
});

test('what comes back to a source that was closed is closed too', async () => {
  const { clients, opened } = held();
  const asking = clients.ask(asked, soon());
  clients.close();
  await asking;
  expect(opened[0]!.closed).toBe(true);
});

/** Takes every bind, and says of every search that nobody was found, with so many letters of explanation. */
function directory(letters: number, searches: Buffer[] = []) {
  const sockets: Socket[] = [];
  const meet = (socket: Socket) => {
    sockets.push(socket);
    socket.on('data', (octets: Buffer) => {
      const begin = octets.indexOf(2, 2); // the number of the message: INTEGER, its length, its octets
      const no = octets.subarray(begin, begin + 2 + octets[begin + 1]!);
      const bind = octets[begin + no.length] === 0x60;
      if (!bind) searches.push(octets);
      const text = Buffer.alloc(bind ? 0 : letters, 65);
      const long = (length: number) => [0x82, length >> 8, length & 255];
      const result = Buffer.concat([Buffer.from([0x0a, 1, 0, 4, 0, 4, ...long(text.length)]), text]);
      const body = Buffer.concat([no, Buffer.from([bind ? 0x61 : 0x65, ...long(result.length)]), result]);
      socket.write(Buffer.concat([Buffer.from([0x30, ...long(body.length)]), body]));
    });
  };
  return { sockets, meet, searches };
}
const ldap = (ports: readonly number[], timeout = 20_000) =>
  ldapClient({
    kind: 'ldap',
    servers: ports.map((port) => ({ host: '127.0.0.1', port, tls: 'none' as const })),
    ...{ caFile: '', base: 'dc=x', list: undefined, filter: '(uid={local})', bindDn: 'cn=reader', password: undefined },
    ...{ timeout, connections: 2, knownFor: 0, unknownFor: 0, lastKnown: 0, onError: 'defer' },
  });

test('each question has its own bound of octets, however many went over the line before', async () => {
  const { meet } = directory(60_000);
  const { port, met } = await hostileService(meet);
  const client = ldap([port]);
  for (let n = 0; n < 10; n++) expect(await client.ask(asked, soon())).toBe('unknown');
  expect(met()).toBe(1);
  client.close();
});

test('a local part is asked for in small letters', async () => {
  const { meet, searches } = directory(0);
  const client = ldap([(await hostileService(meet)).port]);
  await client.ask(asked, soon());
  expect(searches[0]!.toString('latin1')).toMatch(/uid[^a-z]*alice/);
  client.close();
});

test('a server that hangs leaves time for the next, which is asked first from then on', async () => {
  const mute = await hostileService(() => {});
  const good = directory(0);
  const { port } = await hostileService(good.meet);
  const client = ldap([mute.port, port], 2000);
  expect(await client.ask(asked, AbortSignal.timeout(2000))).toBe('unknown');
  good.sockets[0]!.destroy();
  await once(good.sockets[0]!, 'close');
  expect(await client.ask(asked, soon())).toBe('unknown');
  expect([mute.met(), good.sockets.length]).toEqual([1, 2]);
  client.close();
});

test('of three servers none has a broken time', async () => {
  const { port } = await hostileService(directory(0).meet);
  const client = ldap([1, 1, port], 2000);
  expect(await client.ask(asked, soon())).toBe('unknown');
  client.close();
});
