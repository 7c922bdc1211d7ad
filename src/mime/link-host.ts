/** The host of a link in the one form in which hosts are compared and asked about: A-labels, or a canonical address. */
import { getDomain } from 'tldts';
import { toAscii } from '../mail/address.ts';
import { type IpAddress, parseIp } from '../mail/ip.ts';

export interface LinkHost {
  /** `www.example.com`, `192.0.2.1`, `2001:db8::1`. */
  readonly name: string;
  /** The domain somebody registered, or '' where there is none: an address, a name of one label. */
  readonly domain: string;
  /** Of a host that is an address. */
  readonly ip: IpAddress | undefined;
}

/** Longer ones are no names: each of 253 octets may be written with three, and as many again may be invisible. */
const WRITTEN_MAX = 1600;

/** As a browser reads what stands between `//` and the port (WHATWG URL §3.5); undefined where it would not go anywhere. */
export function readHost(written: string): LinkHost | undefined {
  if (written === '' || written.length > WRITTEN_MAX) return undefined;
  if (written.startsWith('[')) {
    // A zone (`fe80::1%25eth0`) names an interface of the reader's own machine.
    const ip = parseIp(written.slice(1).replace(/[\]%].*$/s, ''));
    return ip === undefined ? undefined : { name: ip.text, domain: '', ip };
  }
  const plain = percentDecoded(written)?.replace(/[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]/g, '');
  const name = plain === undefined ? undefined : toAscii(plain);
  if (name === undefined) return undefined;
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (isNumber(last)) {
    const ip = readLooseV4(name);
    return ip === undefined ? undefined : { name: ip.text, domain: '', ip };
  }
  return { name, domain: registeredOf(name), ip: undefined };
}

/** `foo.blogspot.com` belongs to one customer: the private part of the list of suffixes counts. */
function registeredOf(name: string): string {
  if (!name.includes('.')) return '';
  return getDomain(name, { allowPrivateDomains: true }) ?? getDomain(name) ?? '';
}

function percentDecoded(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // as browsers: what is not UTF-8 is no host
  }
}

const isNumber = (label: string): boolean => /^(?:\d+|0x[0-9a-f]*)$/.test(label);

/** One to four numbers, decimal, octal or hexadecimal, the last one filling what is left: `0x7f.1` is 127.0.0.1. */
function readLooseV4(name: string): IpAddress | undefined {
  const parts = name.split('.');
  if (parts.length > 4) return undefined;
  const numbers = parts.map((part) => {
    if (/^0x[0-9a-f]*$/.test(part)) return Number.parseInt(part.slice(2) || '0', 16);
    if (/^0[0-7]*$/.test(part)) return Number.parseInt(part, 8);
    return /^[1-9]\d*$/.test(part) ? Number(part) : Number.NaN;
  });
  const last = numbers.pop()!;
  if (numbers.some((number) => !(number <= 255)) || !(last < 256 ** (4 - numbers.length))) return undefined;
  const value = numbers.reduce((sum, number, place) => sum + number * 256 ** (3 - place), last);
  return parseIp([24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.'));
}
