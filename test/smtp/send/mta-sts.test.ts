/** Policies of MTA-STS: what is one, whom it names, how long it is remembered; and over real HTTPS, which it must be. */
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { keptTexts } from '../../../src/adapters/files/kept-texts.ts';
import { stsFetcher } from '../../../src/adapters/net/sts-fetch.ts';
import { parseZones } from '../../../src/gateway/dns/zone-data.ts';
import { zoneResolver } from '../../../src/gateway/dns/zone-resolver.ts';
import { days, hours, minutes } from '../../../src/mail/time.ts';
import type { StsFetched } from '../../../src/ports/sts.ts';
import type { Zones } from '../../../src/record/scenario.ts';
import { isStsHost, MtaSts, parseStsPolicy } from '../../../src/smtp/send/mta-sts.ts';
import { quiet } from '../../support/gateway.ts';
import { temporaryFolder } from '../../support/store-folder.ts';
import { makePair } from '../../support/tls.ts';

const never = new AbortController().signal;
const POLICY = 'version: STSv1\r\nmode: enforce\r\nmx: mx1.a.test\r\nmx: *.b.test\r\nmax_age: 86400\r\n';
const ENFORCE = { mode: 'enforce', mx: ['mx1.a.test', '*.b.test'], maxAge: 86_400 };
const zonesOf = (zones: Zones) => {
  const parsed = parseZones(zones);
  if (parsed.kind === 'bad') throw new Error(JSON.stringify(parsed.problems));
  return zoneResolver(parsed.zones);
};

describe('a policy', () => {
  test('is read with its hosts, unknown keys passed over', () => {
    expect(parseStsPolicy(POLICY)).toEqual(ENFORCE);
    expect(parseStsPolicy(`${POLICY.replaceAll('\r', '')}later_key: x\nmode: none\n`)).toEqual(ENFORCE);
  });
  test.each([
    ['no version', POLICY.replace('version: STSv1\r\n', '')],
    ['another version', POLICY.replace('STSv1', 'STSv2')],
    ['no time', POLICY.replace(/max_age.*\r\n/, '')],
    ['a time that is none', POLICY.replace('86400', '-1')],
    ['no host', POLICY.replace(/mx: .*\r\n/g, '')],
    ['a mode of its own', POLICY.replace('enforce', 'strict')],
    ['a page', '<html>not found</html>'],
  ])('with %s is none', (_, text) => {
    expect(parseStsPolicy(text)).toBeUndefined();
  });
  test.each([
    ['mx1.a.test', true],
    ['mx2.a.test', false],
    ['x.b.test', true],
    ['x.y.b.test', false],
    ['b.test', false],
    ['xb.test', false],
  ])('names %s: %s', (host, named) => {
    expect(isStsHost(parseStsPolicy(POLICY)!, host)).toBe(named);
  });
});

/** A domain whose record and page a test writes. */
function bench() {
  let now = Date.UTC(2026, 10, 28);
  let record: Zones[string] | undefined = [{ TXT: 'v=STSv1; id=1;' }];
  let page: StsFetched = { kind: 'text', text: POLICY };
  let fetched = 0;
  const texts = new Map<string, string>();
  const world = () => ({
    resolver: zonesOf(record === undefined ? {} : { '_mta-sts.a.test': record }),
    fetch: async () => {
      fetched++;
      return page;
    },
    kept: {
      read: (key: string) => texts.get(key),
      write: (key: string, text: string) => void texts.set(key, text),
      clear: async () => 0,
    },
    clock: { now: () => now },
    log: quiet,
  });
  let sts = new MtaSts(world());
  // The resolver is asked anew each time: the zone may have changed.
  const resolver = {
    resolve: (...asked: Parameters<ReturnType<typeof zonesOf>['resolve']>) => world().resolver.resolve(...asked),
  };
  const anew = () => {
    sts = new MtaSts({ ...world(), resolver });
  };
  anew();
  return {
    ask: () => sts.policyOf('a.test', never),
    restart: anew,
    zone: (is: Zones[string] | undefined) => {
      record = is;
    },
    serve: (is: StsFetched) => {
      page = is;
    },
    pass: (span: number) => {
      now += span;
    },
    fetched: () => fetched,
  };
}
const GONE: StsFetched = { kind: 'failed', why: 'gone' };

describe('a domain', () => {
  test('without a record has no policy, and nobody fetches one', async () => {
    const one = bench();
    one.zone(undefined);
    expect(await one.ask()).toBeUndefined();
    expect(one.fetched()).toBe(0);
  });
  test.each([
    ['two records', [{ TXT: 'v=STSv1; id=1;' }, { TXT: 'v=STSv1; id=2;' }]],
    ['no id', [{ TXT: 'v=STSv1;' }]],
    ['another record', [{ TXT: 'v=spf1 -all' }]],
  ] as const)('with %s has none either', async (_, zone) => {
    const one = bench();
    one.zone([...zone]);
    expect(await one.ask()).toBeUndefined();
  });
  test('is fetched once, until its id changes', async () => {
    const one = bench();
    expect([await one.ask(), await one.ask()]).toEqual([ENFORCE, ENFORCE]);
    expect(one.fetched()).toBe(1);
    one.zone([{ TXT: 'v=STSv1; id=2' }]);
    one.serve({ kind: 'text', text: POLICY.replace('enforce', 'testing') });
    expect(await one.ask()).toEqual({ ...ENFORCE, mode: 'testing' });
    expect(one.fetched()).toBe(2);
  });
  test('keeps its policy until its time is over, though record and page are gone and we were started anew', async () => {
    const one = bench();
    await one.ask();
    one.zone(undefined);
    one.serve(GONE);
    one.restart();
    one.pass(days(1) - 1);
    expect(await one.ask()).toEqual(ENFORCE);
    one.pass(1);
    expect(await one.ask()).toBeUndefined();
  });
  test.each<[string, StsFetched]>([
    ['cannot be had', GONE],
    ['is no policy', { kind: 'text', text: 'no' }],
  ])('whose page %s keeps what it had, and is not asked again for five minutes', async (_, page) => {
    const one = bench();
    await one.ask();
    one.zone([{ TXT: 'v=STSv1; id=2' }]);
    one.serve(page);
    expect(await one.ask()).toEqual(ENFORCE);
    expect(await one.ask()).toEqual(ENFORCE);
    expect(one.fetched()).toBe(2);
    one.pass(minutes(5));
    await one.ask();
    expect(one.fetched()).toBe(3);
  });
});

describe('what is kept', () => {
  /** Any domain has a policy of one line and `padding`; on a real disk. */
  function house(padding = '') {
    const store = temporaryFolder();
    let now = Date.UTC(2026, 10, 28);
    let read = 0;
    const kept = keptTexts(store, 'keep', quiet, 'mta-sts');
    const sts = new MtaSts({
      resolver: {
        resolve: async () => ({
          kind: 'found',
          records: [{ type: 'TXT', text: 'v=STSv1; id=1;' }],
          ttl: 1,
          secure: false,
        }),
      } as never,
      fetch: async () => ({ kind: 'text', text: `${POLICY}${padding}` }),
      kept: {
        ...kept,
        read: (key) => {
          read++;
          return kept.read(key);
        },
      },
      clock: { now: () => now },
      log: quiet,
    });
    return {
      ask: (domain: string) => sts.policyOf(domain, never),
      files: () => readdirSync(join(store, 'mta-sts')).length,
      file: (name: string) => join(store, 'mta-sts', name),
      read: () => read,
      pass: (span: number) => {
        now += span;
      },
    };
  }
  test('leaves the disk a week after its time, with what is no policy, when another is kept', async () => {
    const one = house();
    await one.ask('a.test');
    writeFileSync(one.file('half.txt.new'), '{"id":"1","te');
    one.pass(days(8) - 1);
    await one.ask('b.test');
    await vi.waitFor(() => expect(one.files()).toBe(2));
    one.pass(hours(6));
    await one.ask('c.test');
    await vi.waitFor(() => expect(one.files()).toBe(2));
    expect(await one.ask('b.test')).toEqual(ENFORCE);
  });
  test('lies in memory as far as 16 MiB go, whatever domains write into it', async () => {
    const one = house(`padding: ${'x'.repeat(1024 * 1024)}`);
    for (let n = 0; n < 20; n++) await one.ask(`d${n}.test`);
    expect(one.read()).toBe(20);
    for (let n = 19; n >= 5; n--) expect(await one.ask(`d${n}.test`)).toEqual(ENFORCE);
    expect(one.read()).toBe(20);
    expect(await one.ask('d0.test')).toEqual(ENFORCE);
    expect(one.read()).toBe(21);
  });
});

describe('over HTTPS', () => {
  const pair = makePair('mta-sts.a.test');
  const known = getCACertificates('default');
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    setDefaultCACertificates(known);
    for (const close of closing.splice(0)) await close();
  });
  async function fetched(
    head: { status?: number; type?: string; body?: string; certificate?: ReturnType<typeof makePair> } = {},
    trusted = true,
  ): Promise<StsFetched> {
    if (trusted) setDefaultCACertificates([...known, pair.certificate]);
    const { certificate = pair } = head;
    const server = createServer({ key: certificate.key, cert: certificate.certificate }, (request, response) => {
      response.writeHead(request.url === '/.well-known/mta-sts.txt' ? (head.status ?? 200) : 404, {
        'content-type': head.type ?? 'text/plain; charset=utf-8',
        location: 'https://mta-sts.a.test/other',
      });
      response.end(head.body ?? POLICY);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    closing.push(
      () =>
        new Promise((done) => {
          server.closeAllConnections();
          server.close(() => done());
        }),
    );
    const { port } = server.address() as AddressInfo;
    return stsFetcher(zonesOf({ 'mta-sts.a.test': [{ A: '127.0.0.1' }] }), port)('a.test', never);
  }
  test('the page of the domain is read', async () => {
    expect(await fetched()).toEqual({ kind: 'text', text: POLICY });
  });
  test.each<[string, Parameters<typeof fetched>, RegExp]>([
    ['a certificate nobody signed', [{}, false], /self-signed/],
    ['a certificate of another', [{ certificate: makePair('other.test') }], /self-signed|not match/],
    ['a redirect', [{ status: 301 }], /it answers 301/],
    ['a page that is missing', [{ status: 404 }], /it answers 404/],
    ['another media type', [{ type: 'text/html' }], /media type/],
    ['a page without end', [{ body: 'x'.repeat(100_000) }], /more than 65536 octets/],
  ])('%s is refused', async (_, given, why) => {
    expect(await fetched(...given)).toEqual({ kind: 'failed', why: expect.stringMatching(why) });
  });
  test('a host that has no address is told', async () => {
    expect(await stsFetcher(zonesOf({}))('a.test', never)).toMatchObject({ kind: 'failed' });
  });
});
