/** The mail of the record's bench: senders as the Internet has them, their DNS, and two letters of each. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Zones } from '../../src/record/scenario.ts';
import { SCENES } from '../demo/scenes.ts';
import { rsaKey, signed } from '../support/signing.ts';

export interface Letter {
  /** Of the loopback network, where the client really is. */
  readonly address: string;
  /** Who it is. */
  readonly ip: string;
  readonly helo: string;
  readonly from: string;
  readonly to: readonly string[];
  /** CRLF lines, one dot too many where a line starts with one. */
  readonly wire: string;
}

/** Half of the mail is from somebody who wrote a moment ago: what our own cache knows of real traffic. */
const LETTERS_EACH = 2;
const TLDS = ['com', 'de', 'org', 'co.uk', 'net'];
const WORDS = 'amber birch cedar delta ember fjord grove heath islet jetty knoll ledge marsh north orbit plain'.split(
  ' ',
);
const key = rsaKey(2048);

/** A third has nothing but SPF; a third signs; a third is a large sender's customer: includes, two signatures, a list of friends. */
const KINDS = ['small', 'signs', 'large'] as const;

interface Sender {
  readonly kind: (typeof KINDS)[number];
  readonly domain: string;
  readonly host: string;
  readonly ip: string;
}

/** Who wrote the nth letter. */
function senderOf(n: number): Sender {
  const no = Math.floor(n / LETTERS_EACH);
  const word = (at: number) => WORDS[(no * 7 + at * 5) % WORDS.length]!;
  const domain = `${word(0)}-${word(1)}${no}.${TLDS[no % TLDS.length]}`;
  const kind = KINDS[no % KINDS.length]!;
  const host = kind === 'large' ? `o${no}.out${no % 5}.bigmailer.net` : `mail.${domain}`;
  return { kind, domain, host, ip: `127.1.${Math.floor(no / 250)}.${(no % 250) + 1}` };
}

const reversed = (ip: string) => ip.split('.').reverse().join('.');

export function zones(count: number): Zones {
  const all: { [name: string]: Zones[string] } = parse(readFileSync('fixtures/demo/zones.yaml', 'utf8')) as Zones;
  // Each list says of itself that it works (RFC 5782 §5).
  all['2.0.0.127.zen.spamhaus.org'] = [{ A: '127.0.0.2' }, { A: '127.0.0.4' }, { A: '127.0.0.10' }, { TTL: 60 }];
  all['2.0.0.127.list.dnswl.org'] = [{ A: '127.0.10.0' }, { TTL: 10_800 }];
  const networks = (from: number) =>
    Array.from({ length: 9 }, (_, n) => `ip4:149.${from + n}.${n * 16}.0/20`).join(' ');
  all['spf.bigmailer.net'] = [
    { TXT: 'v=spf1 include:spf1.bigmailer.net include:spf2.bigmailer.net ~all' },
    { TTL: 3600 },
  ];
  all['spf1.bigmailer.net'] = [{ TXT: `v=spf1 ${networks(40)} ~all` }, { TTL: 3600 }];
  all['spf2.bigmailer.net'] = [{ TXT: `v=spf1 ${networks(90)} ip4:127.1.0.0/16 ~all` }, { TTL: 3600 }];
  all['s1._domainkey.bigmailer.net'] = [{ TXT: key.record }, { TTL: 1800 }];
  for (let n = 0; n < count; n += LETTERS_EACH) {
    const { kind, domain, host, ip } = senderOf(n);
    const spf = kind === 'large' ? 'v=spf1 mx include:spf.bigmailer.net ~all' : `v=spf1 mx a:${host} -all`;
    all[domain] = [
      { TXT: spf },
      { TXT: `google-site-verification=${domain.length}kJ8sd0f9sdf7s6df5gh4fd3s2a1q0` },
      { MX: [10, `mx1.${domain}`] },
      { MX: [20, `mx2.${domain}`] },
      { TTL: 3600 },
    ];
    for (const mx of ['mx1', 'mx2']) all[`${mx}.${domain}`] = [{ A: `203.0.113.${domain.length}` }];
    all[host] = [{ A: ip }, { TTL: 600 }];
    all[`${reversed(ip)}.in-addr.arpa`] = [{ PTR: host }, { TTL: 86_400 }];
    if (kind === 'small') continue;
    all[`s1._domainkey.${domain}`] = [{ TXT: key.record }];
    all[`_dmarc.${domain}`] = [
      { TXT: `v=DMARC1; p=${kind === 'large' ? 'reject' : 'none'}; rua=mailto:dmarc@${domain}` },
    ];
    if (kind === 'large') all[`${reversed(ip)}.list.dnswl.org`] = [{ A: '127.0.15.1' }];
  }
  return all as Zones;
}

/** One in six is a letter of fixtures/messages that the shipped policy takes; the others are made, no two alike. */
export async function letters(count: number): Promise<readonly Letter[]> {
  // The postmaster's own limit is not the load's to meet.
  const taken = ([recipient, [ending]]: [string, readonly [string, string]]) =>
    ending === 'delivered' && !recipient.startsWith('postmaster@');
  const played = SCENES.filter(({ listener, to }) => listener === 'mx' && Object.entries(to).every(taken));
  return Promise.all(
    Array.from({ length: count }, async (_, n): Promise<Letter> => {
      const scene = n % 6 === 5 ? played[Math.floor(n / 6) % played.length] : undefined;
      if (scene === undefined) return made(n);
      const text = readFileSync(`fixtures/messages/${scene.message}`, 'utf8').replace(/\r?\n/g, '\r\n');
      const place = Math.floor(n / 6) % played.length;
      return {
        address: `127.2.0.${place + 1}`,
        ip: scene.ip,
        helo: scene.helo,
        from: scene.from,
        to: Object.keys(scene.to),
        wire: stuffed(text),
      };
    }),
  );
}

async function made(n: number): Promise<Letter> {
  const { kind, domain, host, ip } = senderOf(n);
  const mark = ((n + 1) * 2_654_435_761).toString(36);
  const word = (at: number) => WORDS[(n * 3 + at * 11) % WORDS.length]!;
  const plain = [
    `Received: from app${n % 9}.${domain} ([10.0.${n % 250}.7]) by ${host} with ESMTPSA id ${mark}; Fri, 27 Nov 2026 09:00:00 +0000`,
    `Date: Fri, 27 Nov 2026 09:00:00 +0000`,
    `From: ${word(0)} ${word(1)} <${word(2)}.${mark}@${domain}>`,
    'To: Alice <alice@example.com>',
    `Subject: Re: ${word(3)} ${word(4)} and the ${word(5)} of ${word(6)} (${mark})`,
    `Message-ID: <${mark}.${n}@${host}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    ...Array.from(
      { length: 40 },
      (_, line) => `${word(line)} ${word(line + 1)} ${mark} ${word(line + 2)}: as we said, and so on.`,
    ),
    '',
  ].join('\r\n');
  const once = kind === 'small' ? plain : await signed(plain, domain, key);
  const text = kind === 'large' ? await signed(once, 'bigmailer.net', key) : once;
  const from = kind === 'large' ? `bounce+${mark}-${n}=example.com@${domain}` : `${word(2)}@${domain}`;
  const to = n % 10 === 9 ? ['alice@example.com', 'carol@example.com'] : ['alice@example.com'];
  return { address: ip, ip, helo: host, from, to, wire: stuffed(text) };
}

const stuffed = (text: string): string => `${text.endsWith('\r\n') ? text : `${text}\r\n`}`.replace(/^\./gm, '..');
