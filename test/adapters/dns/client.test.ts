/** The DNS client against servers that answer, fail, lie and keep silent. */
import { existsSync, readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { DnsClient } from '../../../src/adapters/dns/client.ts';
import { encodeQuery } from '../../../src/adapters/dns/query.ts';
import { silentLog } from '../../../src/adapters/system/log.ts';
import type { DnsAnswer, DnsType } from '../../../src/ports/resolver.ts';
import { type Answered, type Asked, message, type ScriptedDns, scriptedDns } from '../../support/dns-server.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function world(script: (asked: Asked) => Answered): Promise<ScriptedDns> {
  const dns = await scriptedDns(script);
  closing.push(() => dns.close());
  return dns;
}

/** A client whose time can be put forward. */
function clientOf(servers: readonly string[], timeout = 5000) {
  let ahead = 0;
  const told: [string, object | undefined][] = [];
  const tell = (name: string, data?: object) => void told.push([name, data]);
  const log = { event: tell, warn: tell, error: tell };
  const client = new DnsClient({ servers, timeout, elapsed: () => performance.now() + ahead, log });
  closing.unshift(() => client.close());
  return {
    client,
    told,
    later: (seconds: number) => {
      ahead += seconds * 1000;
    },
    ask: (name: string, type: DnsType = 'A', signal = new AbortController().signal) =>
      client.resolve(name, type, signal),
  };
}

function say(answer: DnsAnswer): string {
  if (answer.kind === 'failed') return `failed ${answer.cause}${answer.rcode === '' ? '' : ` ${answer.rcode}`}`;
  if (answer.kind === 'empty') return `${answer.rcode} ${answer.why}`;
  return answer.records.map(({ type: _, ...rest }) => Object.values(rest).join(' ')).join(' | ');
}

const a = (name: string, data = '192.0.2.1', ttl = 300) => ({ type: 'A', name, ttl, data });
const cname = (name: string, data: string, ttl = 300) => ({ type: 'CNAME', name, ttl, data });
const soa = (ttl: number, minimum: number) => ({
  type: 'SOA',
  name: 'example',
  ttl,
  data: { mname: 'ns.example', rname: 'x.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});
const openFiles = (): number | undefined =>
  existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : undefined;
const AD = 0x20;
const TC = 0x200;

describe('what the server says', () => {
  test.each<[DnsType, unknown, string]>([
    ['A', '192.0.2.7', '192.0.2.7'],
    ['AAAA', '2001:db8::7', '2001:db8::7'],
    ['MX', { preference: 10, exchange: 'MX.Example' }, '10 mx.example'],
    ['MX', { preference: 0, exchange: '.' }, '0 '],
    ['TXT', ['v=spf1 ', '-all'], 'v=spf1 -all'],
    ['TXT', [Buffer.from('grün')], 'grün'],
    ['TXT', [Buffer.from([0x61, 0xff])], 'a\u00ff'],
    ['PTR', 'Host.Example', 'host.example'],
    ['NS', 'ns.example', 'ns.example'],
    ['CNAME', 'other.example', 'other.example'],
    ['TLSA', { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from('00ff', 'hex') }, '3 1 1 00ff'],
  ])('%s %j is read as "%s"', async (type, data, expected) => {
    const dns = await world(({ name }) => ({ answers: [{ type, name, ttl: 60, data }] }));
    const answer = await clientOf([dns.server]).ask('X.Example.', type);
    expect(say(answer)).toBe(expected);
    expect(answer).toMatchObject({ name: 'x.example', type, ttl: 60, cached: false, server: dns.server });
  });

  test('the answer is secure when the server validated it', async () => {
    const dns = await world(({ name }) => ({ flags: name === 'signed.example' ? AD : 0, answers: [a(name)] }));
    const { ask } = clientOf([dns.server]);
    expect((await ask('signed.example')).secure).toBe(true);
    expect((await ask('plain.example')).secure).toBe(false);
  });

  test.each<[string, Answered, string]>([
    ['a name that does not exist', { rcode: 'NXDOMAIN', authorities: [soa(60, 60)] }, 'NXDOMAIN noSuchName'],
    ['a name without such records', { authorities: [soa(60, 60)] }, 'NOERROR noData'],
    ['an empty answer without authority', {}, 'NOERROR noData'],
    ['SERVFAIL', { rcode: 'SERVFAIL' }, 'failed servfail SERVFAIL'],
    ['REFUSED', { rcode: 'REFUSED' }, 'failed refused REFUSED'],
    ['FORMERR, with and without EDNS', { rcode: 'FORMERR' }, 'failed malformed FORMERR'],
    ['records of another name', { answers: [a('other.example')] }, 'NOERROR noData'],
    ['records of another class', { answers: [{ ...a('x.example'), class: 'CH' }] }, 'NOERROR noData'],
    ['an alias and its records', { answers: [cname('x.example', 'Y.example'), a('y.example')] }, '192.0.2.1'],
    [
      'an alias to nothing',
      { rcode: 'NXDOMAIN', answers: [cname('x.example', 'y.example')], authorities: [soa(60, 60)] },
      'NXDOMAIN noSuchName',
    ],
    [
      'an RCODE that needs EDNS (BADVERS)',
      { additionals: [{ type: 'OPT', name: '.', extendedRcode: 1, udpPayloadSize: 1232 }] },
      'failed servfail EXTENDED_1',
    ],
    ['an alias of itself', { answers: [cname('x.example', 'x.example')] }, 'failed limit'],
  ])('%s', async (_, answered, expected) => {
    const dns = await world(() => answered);
    expect(say(await clientOf([dns.server]).ask('x.example'))).toBe(expected);
  });

  test('a message cut in the middle of a record is malformed', async () => {
    const dns = await world(({ name, octets }) => message(octets, { answers: [a(name)] }).subarray(0, -2));
    expect(say(await clientOf([dns.server]).ask('x.example'))).toBe('failed malformed');
  });

  test('an alias to a name of which the answer says that it has no such records is not asked again', async () => {
    const dns = await world(() => ({ answers: [cname('x.example', 'y.example')], authorities: [soa(60, 60)] }));
    expect(say(await clientOf([dns.server]).ask('x.example'))).toBe('NOERROR noData');
    expect(dns.asked.length).toBe(1);
  });

  test('an alias whose target is not in the answer is asked for, a chain of them only so far', async () => {
    const dns = await world(({ name }) => {
      if (name === 'x.example') return { flags: AD, answers: [cname(name, 'y.example', 30)] };
      if (name === 'y.example') return { answers: [a(name)] };
      return { answers: [cname(name, `a.${name}`)] };
    });
    const { ask } = clientOf([dns.server]);
    const answer = await ask('x.example');
    expect(say(answer)).toBe('192.0.2.1');
    expect(answer).toMatchObject({ name: 'x.example', ttl: 30, secure: false });
    expect(say(await ask('endless.example'))).toBe('failed limit');
    expect(dns.asked.filter(({ name }) => name.endsWith('endless.example')).length).toBe(9);
  });

  test('what is too long for UDP comes by TCP', async () => {
    const answers = Array.from({ length: 200 }, (_, n) => a('x.example', `192.0.2.${n}`));
    const dns = await world(({ by }) => (by === 'udp' ? { flags: TC } : { answers }));
    const answer = await clientOf([dns.server]).ask('x.example');
    expect(answer.kind === 'found' && answer.records.length).toBe(200);
    expect(dns.asked.map(({ by }) => by)).toEqual(['udp', 'tcp']);
  });

  test.each([
    ['to another question', { questions: [{ type: 'A', name: 'z.example' }] }],
    ['with another id', { id: 0x10000 }],
  ])('an answer by TCP %s is no answer', async (_, lie) => {
    const dns = await world(({ by, octets }) => {
      if (by === 'udp') return { flags: TC };
      const id = 'id' in lie ? { id: octets.readUInt16BE(2) ^ 1 } : {};
      return { answers: [a('x.example')], ...lie, ...id };
    });
    expect(say(await clientOf([dns.server]).ask('x.example'))).toBe('failed unreachable');
  });
});

describe('what is asked', () => {
  test('one plain question with recursion, AD and EDNS of 1232 octets', async () => {
    const dns = await world(({ name }) => ({ answers: [a(name)] }));
    await clientOf([dns.server]).ask('x.example');
    const sent = dns.asked[0]!.octets;
    expect(sent.subarray(2, 12).toString('hex')).toBe('01200001000000000001');
    expect(sent.subarray(12, 12 + 15).toString('latin1')).toBe('\x01x\x07example\0\0\x01\0\x01');
    expect(sent.subarray(-11).toString('hex')).toBe('0000290 4d0 00000000 0000'.replaceAll(' ', ''));
  });

  test('ids differ, and questions come from several ports', async () => {
    const dns = await world(({ name }) => ({ answers: [a(name)] }));
    const { ask } = clientOf([dns.server]);
    await Promise.all(Array.from({ length: 100 }, (_, n) => ask(`x${n}.example`)));
    expect(new Set(dns.asked.map(({ octets }) => octets.readUInt16BE(0))).size).toBeGreaterThan(90);
    expect(new Set(dns.asked.map(({ port }) => port)).size).toBe(8);
  });

  test('a port is given up after 256 questions', async () => {
    const dns = await world(({ name }) => ({ answers: [a(name)] }));
    const { ask } = clientOf([dns.server]);
    const open = openFiles();
    for (let round = 0; round < 12; round++)
      await Promise.all(Array.from({ length: 256 }, (_, n) => ask(`x${round}-${n}.example`)));
    expect(new Set(dns.asked.map(({ port }) => port)).size).toBeGreaterThan(8);
    // Those given up are closed.
    await new Promise(setImmediate);
    if (open !== undefined) expect(openFiles()! - open).toBeLessThanOrEqual(8);
  });

  test.each(['FORMERR', 'NOTIMP'])('a server that answers EDNS with %s is asked without', async (rcode) => {
    const dns = await world(({ name, octets }) => (octets.readUInt16BE(10) === 1 ? { rcode } : { answers: [a(name)] }));
    expect(say(await clientOf([dns.server]).ask('x.example'))).toBe('192.0.2.1');
  });

  test.each([
    ['odd octets', 'a b\t"x".example'],
    ['letters beyond ASCII', 'grün.example'],
    ['63 octets', `${'a'.repeat(63)}.example`],
  ])('a name with %s is asked as it is', async (_, name) => {
    const dns = await world(() => ({ answers: [a(name)] }));
    expect(say(await clientOf([dns.server]).ask(name))).toBe('192.0.2.1');
    expect(dns.asked[0]!.name).toBe(name);
  });

  test('a line feed beside a dot stays in its label', () => {
    const { octets } = encodeQuery('a\n.b', 'A', false);
    expect(octets.subarray(12).toString('latin1')).toBe('\x02a\n\x01b\0\0\x01\0\x01');
  });

  test.each(['a..example', '.example', `${'a'.repeat(64)}.example`, `${'a.'.repeat(128)}`])(
    'nobody is asked for "%s", as no message can carry it',
    async (name) => {
      const dns = await world(() => ({}));
      expect(say(await clientOf([dns.server]).ask(name))).toBe('NXDOMAIN noSuchName');
      expect(dns.asked).toEqual([]);
    },
  );

  test.each([[[]], [['example.com']], [['127.0.0.1:0']], [['127.0.0.1:99999']], [['[127.0.0.1']]])(
    'servers %j cannot be asked',
    (servers) => {
      expect(() => new DnsClient({ servers, timeout: 100, elapsed: () => 0, log: silentLog })).toThrow(
        /^Cannot ask DNS/,
      );
    },
  );
});

describe('what is kept', () => {
  const served = async (parts: (name: string) => object) => {
    const dns = await world(({ name }) => parts(name));
    return { dns, ...clientOf([dns.server]) };
  };

  test('an answer for its TTL', async () => {
    const { dns, ask, later } = await served((name) => ({ answers: [a(name, '192.0.2.1', 60)] }));
    await ask('x.example');
    later(20);
    expect(await ask('X.EXAMPLE')).toMatchObject({ kind: 'found', cached: true, ttl: 40, server: dns.server });
    later(41);
    expect(await ask('x.example')).toMatchObject({ kind: 'found', cached: false, ttl: 60 });
    expect(dns.asked.length).toBe(2);
  });

  test('with TTL 0, not at all; with more than an hour, for an hour', async () => {
    const { dns, ask, later } = await served((name) => ({
      answers: [a(name, '192.0.2.1', name[0] === '0' ? 0 : 86400)],
    }));
    await ask('0.example');
    await ask('0.example');
    expect(dns.asked.length).toBe(2);
    await ask('day.example');
    later(3599);
    expect((await ask('day.example')).cached).toBe(true);
    later(2);
    expect((await ask('day.example')).cached).toBe(false);
  });

  test.each([
    ['the TTL of the SOA', soa(10, 600)],
    ['the last field of the SOA', soa(600, 10)],
  ])('"no such name" for %s', async (_, authority) => {
    const { ask, later } = await served(() => ({ rcode: 'NXDOMAIN', authorities: [authority] }));
    expect(await ask('x.example')).toMatchObject({ cached: false, ttl: 10 });
    later(9);
    expect(await ask('x.example')).toMatchObject({ kind: 'empty', cached: true });
    later(2);
    expect((await ask('x.example')).cached).toBe(false);
  });

  test('"no such name" for five minutes at most', async () => {
    const { ask, later } = await served(() => ({ rcode: 'NXDOMAIN', authorities: [soa(86400, 86400)] }));
    await ask('x.example');
    later(299);
    expect((await ask('x.example')).cached).toBe(true);
    later(2);
    expect((await ask('x.example')).cached).toBe(false);
  });

  test('a TTL with its top bit set counts as none', async () => {
    const { ask } = await served((name) => ({ answers: [a(name, '192.0.2.1', 0x80000000)] }));
    expect((await ask('x.example')).ttl).toBe(0);
    expect((await ask('x.example')).cached).toBe(false);
  });

  test('"no such name" without a SOA for a second, as long as a failure', async () => {
    const { dns, ask, later } = await served(() => ({ rcode: 'NXDOMAIN' }));
    expect(await ask('x.example')).toMatchObject({ kind: 'empty', cached: false, ttl: 0 });
    expect(await ask('x.example')).toMatchObject({ kind: 'empty', cached: true });
    later(1.1);
    expect(await ask('x.example')).toMatchObject({ kind: 'empty', cached: false });
    expect(dns.asked.length).toBe(2);
  });

  test('a failure for a second', async () => {
    const { dns, ask, later } = await served(() => ({ rcode: 'SERVFAIL' }));
    await ask('x.example');
    expect(await ask('x.example')).toMatchObject({ kind: 'failed', cause: 'servfail', cached: true });
    later(1.1);
    expect(await ask('x.example')).toMatchObject({ kind: 'failed', cached: false });
    expect(dns.asked.length).toBe(2);
  });

  test('each type for itself', async () => {
    const { ask } = await served((name) => ({ answers: [a(name)], authorities: [soa(60, 60)] }));
    expect(say(await ask('x.example', 'A'))).toBe('192.0.2.1');
    expect(say(await ask('x.example', 'MX'))).toBe('NOERROR noData');
  });
});

describe('when a server fails', () => {
  test('silence ends in a timeout', async () => {
    const dns = await world(() => undefined);
    const answer = await clientOf([dns.server], 80).ask('x.example');
    expect(say(answer)).toBe('failed timeout');
    expect(answer.server).toBe('');
    expect(dns.asked.length).toBeGreaterThan(1);
  });

  test('a port where nobody listens is unreachable', async () => {
    const gone = await scriptedDns(() => undefined);
    await gone.close();
    expect(say(await clientOf([gone.server]).ask('x.example'))).toBe('failed unreachable');
  });

  test.each<[string, Answered]>([
    ['is silent', undefined],
    ['says SERVFAIL', { rcode: 'SERVFAIL' }],
    ['says REFUSED', { rcode: 'REFUSED' }],
    ['talks nonsense', Buffer.from('nonsense')],
  ])('and %s, the next one answers, and is asked first from then on', async (_, answered) => {
    const bad = await world(() => answered);
    const good = await world(({ name }) => ({ answers: [a(name)] }));
    const { ask } = clientOf([bad.server, good.server], 1200);
    expect(await ask('x.example')).toMatchObject({ kind: 'found', server: good.server });
    expect(await ask('y.example')).toMatchObject({ kind: 'found', server: good.server });
    expect(bad.asked.map(({ name }) => name)).toEqual(['x.example']);
  });

  test('every server is asked once when all of them fail at once', async () => {
    const one = await world(() => ({ rcode: 'REFUSED' }));
    const two = await world(() => ({ rcode: 'SERVFAIL' }));
    expect(say(await clientOf([one.server, two.server]).ask('x.example'))).toBe('failed refused REFUSED');
    expect([one.asked.length, two.asked.length]).toEqual([1, 1]);
  });

  test('what a server said counts for more than the silence of another', async () => {
    const silent = await world(() => undefined);
    const two = await world(() => ({ rcode: 'SERVFAIL' }));
    expect(say(await clientOf([silent.server, two.server], 1200).ask('x.example'))).toBe('failed servfail SERVFAIL');
  });
});

describe('when somebody lies', () => {
  const lies: readonly [string, (octets: Buffer, name: string) => Answered][] = [
    [
      'another id',
      (octets, name) => {
        const forged = message(octets, { answers: [a(name, '203.0.113.66')] });
        forged.writeUInt16BE(forged.readUInt16BE(0) ^ 1, 0);
        return forged;
      },
    ],
    [
      'another question',
      () => ({ questions: [{ type: 'A', name: 'y.example' }], answers: [a('x.example', '203.0.113.66')] }),
    ],
    ['another type', (_, name) => ({ questions: [{ type: 'MX', name }], answers: [a(name, '203.0.113.66')] })],
    ['no question', (_, name) => ({ questions: [], answers: [a(name, '203.0.113.66')] })],
    ['a question instead of an answer', (octets) => octets],
    ['one octet', () => Buffer.from([0])],
  ];
  test.each(lies)('a message with %s is passed over, and the true answer after it is taken', async (_, lie) => {
    const dns = await world(({ name, octets }) => [lie(octets, name) as object, { answers: [a(name)] }]);
    expect(say(await clientOf([dns.server]).ask('x.example'))).toBe('192.0.2.1');
    expect(dns.asked.length).toBe(1);
  });

  test('a server may write the question in other letters', async () => {
    const dns = await world(({ name }) => ({
      questions: [{ type: 'A', name: name.toUpperCase() }],
      answers: [a(name)],
    }));
    expect(say(await clientOf([dns.server]).ask('x.example'))).toBe('192.0.2.1');
  });
});

describe('when nobody waits any more', () => {
  test('equal questions are asked once', async () => {
    const dns = await world(({ name }) => ({ answers: [a(name)] }));
    const { ask } = clientOf([dns.server]);
    const answers = await Promise.all([ask('x.example'), ask('X.example.'), ask('x.example')]);
    expect(answers.map(say)).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.1']);
    expect(dns.asked.length).toBe(1);
  });

  test('one who leaves takes nothing from the others', async () => {
    const dns = await world(({ name }) => ({ answers: [a(name)] }));
    const { ask } = clientOf([dns.server]);
    const leaving = new AbortController();
    const answers = [ask('x.example', 'A', leaving.signal), ask('x.example')];
    leaving.abort();
    expect((await Promise.all(answers)).map(say)).toEqual(['failed cancelled', '192.0.2.1']);
  });

  test('a question that all have left is given up, and asked anew by the next', async () => {
    let silent = true;
    const dns = await world(({ name }) => (silent ? undefined : { answers: [a(name)] }));
    const { ask } = clientOf([dns.server]);
    const leaving = new AbortController();
    const left = ask('x.example', 'A', leaving.signal);
    leaving.abort();
    silent = false;
    const next = ask('x.example');
    expect(say(await left)).toBe('failed cancelled');
    expect(say(await next)).toBe('192.0.2.1');
  });

  test('a question that all have left is not tried again', async () => {
    const dns = await world(() => undefined);
    const { ask } = clientOf([dns.server], 200);
    const leaving = new AbortController();
    const left = ask('x.example', 'A', leaving.signal);
    leaving.abort();
    await Promise.all([left, ask('y.example')]);
    const tries = (name: string) => dns.asked.filter((asked) => asked.name === name).length;
    expect(tries('x.example')).toBeLessThanOrEqual(1);
    expect(tries('y.example')).toBeGreaterThan(1);
  });

  test('beyond 4096 different questions under way, the next is refused at once', async () => {
    const dns = await world(() => undefined);
    const { ask } = clientOf([dns.server]);
    for (let n = 0; n < 4096; n++) void ask(`n${n}.example`);
    expect(say(await ask('x.example'))).toBe('failed limit');
  });

  test('who comes with an aborted signal is not served', async () => {
    const dns = await world(({ name }) => ({ answers: [a(name)] }));
    expect(say(await clientOf([dns.server]).ask('x.example', 'A', AbortSignal.abort()))).toBe('failed cancelled');
    expect(dns.asked).toEqual([]);
  });

  test('closing the client ends what is under way', async () => {
    const dns = await world(() => undefined);
    const { client, ask } = clientOf([dns.server]);
    const answer = ask('x.example');
    client.close();
    expect(say(await answer)).toBe('failed cancelled');
  });
});

describe('servers that are silent', () => {
  test('all of them for a while are told once, and once when one answers again', async () => {
    let answers = false;
    const script = () => (answers ? { answers: [a('b.example')] } : undefined);
    const [one, two] = [await world(script), await world(script)];
    const { ask, later, told } = clientOf([one.server, two.server], 80);
    await ask('a1.example');
    await ask('a2.example');
    expect(told).toEqual([]);
    later(11);
    await Promise.all([ask('a3.example'), ask('a4.example'), ask('a5.example')]);
    later(60);
    await ask('a6.example');
    expect(told).toEqual([
      ['dns.silent', { servers: [one.server, two.server], remedy: expect.stringMatching(/dns\.servers/) }],
    ]);
    answers = true;
    expect((await ask('b.example')).kind).toBe('found');
    await ask('b2.example');
    expect(told.slice(1)).toEqual([
      ['dns.answers_again', { server: expect.any(String), silent_ms: expect.any(Number) }],
    ]);
    expect((told[1]![1] as { silent_ms: number }).silent_ms).toBeGreaterThan(70_000);
  });

  test('that refuse to serve us are told as well', async () => {
    const dns = await world(() => ({ rcode: 'REFUSED' }));
    const { ask, later, told } = clientOf([dns.server]);
    await ask('a1.example');
    later(11);
    await ask('a2.example');
    expect(told.map(([name]) => name)).toEqual(['dns.silent']);
  });

  test.each<[string, (asked: Asked) => Answered]>([
    ['one of two that answers', () => undefined],
    ['a name that cannot be resolved', () => ({ rcode: 'SERVFAIL' })],
  ])('%s is no silence', async (_, script) => {
    const one = await world(script);
    const two = await world(({ name }) => ({ answers: [a(name)] }));
    const { ask, later, told } = clientOf(
      script({} as Asked) === undefined ? [one.server, two.server] : [one.server],
      400,
    );
    await ask('a1.example');
    later(11);
    await ask('a2.example');
    later(11);
    await ask('a3.example');
    expect(told).toEqual([]);
  });
});
