/** `quarantine.digest` as written made into what is used: its address kept private, its links kept secret on their way. */
import type { z } from 'zod';
import { didYouMean } from '../language/nearest.ts';
import { parseMailbox, toAscii } from '../mail/address.ts';
import { isPrivate, parseIp } from '../mail/ip.ts';
import type { Millis } from '../mail/time.ts';
import type { Findings } from './findings.ts';
import { type HostPort, parseHostPort } from './host-port.ts';
import type { Listener } from './installation.ts';
import type { DIGEST } from './schema-digest.ts';
import type { Sections, Spot } from './sections.ts';

export interface DigestSettings {
  /** Without a final `/`. */
  readonly link: string;
  readonly address: HostPort;
  readonly schedule: DigestSchedule;
  /** Of the schedule and of times as recipients read them. */
  readonly timeZone: string;
  /** An address, or '' for the postmaster. */
  readonly from: string;
  readonly expires: Millis;
  readonly others: 'none' | 'count' | 'list';
  /** Undefined: all that are hosted. */
  readonly domains: readonly string[] | undefined;
}

export type DigestSchedule =
  /** Minutes of the day in `timeZone`, in order. */
  | { readonly kind: 'daily'; readonly minutes: readonly number[]; readonly timeZone: string }
  | { readonly kind: 'every'; readonly span: Millis };

/** Undefined: nobody is told. */
export function buildDigest(
  sections: Sections,
  listeners: readonly Listener[],
  findings: Findings,
): DigestSettings | undefined {
  const section = sections.singles.quarantine;
  const written = section?.value?.digest;
  if (section === undefined || written === undefined) return undefined;
  const at = within(section.at);
  const { problems } = findings;
  const refuse = (path: readonly (string | number)[], message: string, remedy: string, what?: 'key'): undefined => {
    problems.push(at(path, message, remedy, what));
  };
  const timeZone = zoneOf(written, refuse);
  return {
    link: linkOf(written, refuse),
    address: addressOf(written, listeners, refuse),
    schedule: scheduleOf(written, timeZone, refuse),
    timeZone,
    from: fromOf(written, refuse),
    expires: written.expires,
    others: written.others,
    domains: domainsOf(written, sections, refuse),
  };
}

type Written = z.output<typeof DIGEST>;
type Refuse = (path: readonly (string | number)[], message: string, remedy: string, what?: 'key') => undefined;

const within = (spot: Spot) => (path: readonly (string | number)[], message: string, remedy: string, what?: 'key') =>
  spot.problem(['digest', ...path], message, remedy, what);

function linkOf({ link }: Written, refuse: Refuse): string {
  const [, scheme = '', authority = '', path = ''] = LINK.exec(link) ?? [];
  const host = parseHostPort(authority, scheme === 'http' ? 80 : 443)?.host;
  if (host === undefined) {
    refuse(
      ['link'],
      `"${link}" is not where a page can be`,
      'expected https://, a host and perhaps a path, such as "https://quarantine.example.com"',
    );
    return '';
  }
  // Whoever reads a link on its way may use it.
  if (scheme === 'http' && !isLoopback(host))
    refuse(['link'], `"${link}" is not https, and its links are rights`, 'write https://, and let a proxy speak TLS');
  return `${scheme}://${authority}${path.replace(/\/+$/, '')}`;
}

/** Path segments of letters that stand for themselves (RFC 3986 §2.3): the link goes into mail as it is. */
const LINK = /^(https?):\/\/([^/?#@\s]+)((?:\/[A-Za-z0-9._~-]*)*)$/;

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

function addressOf({ address }: Written, listeners: readonly Listener[], refuse: Refuse): HostPort {
  const read = parseHostPort(address);
  const ip = read && parseIp(read.host);
  if (read === undefined || ip === undefined) {
    refuse(['address'], `"${address}" is not where pages can be served`, 'expected one such as "127.0.0.1:8026"');
    return { host: '127.0.0.1', port: 0 };
  }
  const all = ip.text === '0.0.0.0' || ip.text === '::';
  if (all || !isPrivate(ip))
    refuse(
      ['address'],
      `${ip.text} ${all ? 'is every address of this machine' : 'can be reached from outside'}, and these pages speak no TLS`,
      'serve them at 127.0.0.1, or at an address of a private network, behind a proxy that speaks TLS (docs/quarantine-digest.md)',
    );
  const taken = listeners.find(({ host, port }) => port === read.port && port !== 0 && meets(host, ip.text));
  if (taken !== undefined)
    refuse(['address'], `"${address}" is taken by the listener ${taken.name}`, 'give the pages a port of their own');
  return { host: ip.text, port: read.port };
}

/** A listener of every address has this one too. */
const meets = (host: string, ip: string): boolean => host === ip || host === '0.0.0.0' || host === '::';

function scheduleOf({ at, every }: Written, timeZone: string, refuse: Refuse): DigestSchedule {
  if (at !== undefined && every !== undefined)
    refuse(['every'], '`at` and `every` are two schedules', 'keep one of them', 'key');
  if (every !== undefined) return { kind: 'every', span: every };
  const minutes = (at ?? ['07:00']).map((time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3)));
  return { kind: 'daily', minutes: [...new Set(minutes)].sort((a, b) => a - b), timeZone };
}

function zoneOf({ time_zone: zone }: Written, refuse: Refuse): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    refuse(['time_zone'], `"${zone}" is no time zone`, 'expected a name such as Europe/Berlin or UTC');
    return 'UTC';
  }
}

function fromOf({ from }: Written, refuse: Refuse): string {
  if (from === undefined) return '';
  const mailbox = parseMailbox(from, true);
  if (mailbox.kind === 'ok') return mailbox.value.address;
  refuse(['from'], `"${from}" is not an address: ${mailbox.why}`, 'expected one such as it@example.com');
  return '';
}

function domainsOf({ domains }: Written, { maps }: Sections, refuse: Refuse): readonly string[] | undefined {
  const hosted = [...maps.domains.keys()];
  const known = new Set(hosted.map((name) => toAscii(name)));
  return domains?.map((name, n) => {
    const domain = toAscii(name);
    if (domain !== undefined && known.has(domain)) return domain;
    refuse(['domains', n], `"${name}" is no hosted domain`, `${didYouMean(name, hosted)} add it to domains`.trim());
    return name;
  });
}
