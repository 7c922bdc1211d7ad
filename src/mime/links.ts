/** Host names of links in the text people read: as browsers would follow them, and as people would type what is written apart. */
import { domainToUnicode } from 'node:url';
import { getDomain, parse } from 'tldts';
import type { PartText } from './inside.ts';
import { visibleText, withoutReferences } from './visible.ts';

export interface Link {
  /** Lower-case A-labels, or an address as browsers write it. */
  readonly host: string;
  /** The domain somebody registered; '' for an address. */
  readonly domain: string;
}

export interface Links {
  /** Each host once, in the order of first sight. */
  readonly links: readonly Link[];
  /** Hosts with letters of several scripts in one label, or of one that is drawn like Latin. */
  readonly lookAlike: readonly string[];
  /** Hosts of links whose text shows another domain. */
  readonly textDiffers: readonly string[];
  /** There were more. */
  readonly truncated: boolean;
}

/** Hosts kept: mail with more is a list of links, and its first ones tell as much. */
const HOSTS_MAX = 200;
/** A link that is longer is nobody's. */
const URL_MAX = 2000;
/** Attributes of HTML that lead somewhere. Blanks are bounded, so that none is looked at twice. */
const ATTRIBUTE = /[\s"'/](?:href|src|action|formaction|background|poster|data|cite)\s{0,20}=\s{0,20}/gi;

export function linksIn(texts: readonly PartText[]): Links {
  const found = new Found();
  for (const { html, text } of texts) {
    if (html) fromHtml(text, found);
    fromText(html ? visibleText(text) : text, found);
  }
  return found.links();
}

class Found {
  readonly #links = new Map<string, Link>();
  readonly #lookAlike = new Set<string>();
  readonly #differs = new Set<string>();
  #truncated = false;

  add(host: string): Link | undefined {
    const known = this.#links.get(host);
    if (known !== undefined) return known;
    if (this.#links.size >= HOSTS_MAX) {
      this.#truncated = true;
      return undefined;
    }
    const link = { host, domain: getDomain(host, { allowPrivateDomains: true }) ?? '' };
    this.#links.set(host, link);
    if (looksAlike(host)) this.#lookAlike.add(host);
    return link;
  }

  differs(host: string): void {
    if (this.#links.has(host)) this.#differs.add(host);
  }

  links(): Links {
    return {
      links: [...this.#links.values()],
      lookAlike: [...this.#lookAlike],
      textDiffers: [...this.#differs],
      truncated: this.#truncated,
    };
  }
}

function fromHtml(html: string, found: Found): void {
  ATTRIBUTE.lastIndex = 0;
  for (let match = ATTRIBUTE.exec(html); match !== null; match = ATTRIBUTE.exec(html)) {
    const from = ATTRIBUTE.lastIndex;
    const quote = html[from];
    const quoted = quote === '"' || quote === "'";
    // An open quote goes on to the end: no further than a link may be long.
    const window = html.slice(from + (quoted ? 1 : 0), from + URL_MAX);
    const end = quoted ? window.indexOf(quote) : window.search(/[\s>]/);
    const value = end < 0 ? window : window.slice(0, end);
    const host = hostOf(withoutReferences(value));
    if (host === undefined) continue;
    const link = found.add(host);
    if (link === undefined || !/href/i.test(match[0])) continue;
    const shown = shownHost(html.slice(from + value.length, from + value.length + URL_MAX));
    if (shown !== undefined && link.domain !== '' && getDomain(shown, { allowPrivateDomains: true }) !== link.domain)
      found.differs(host);
  }
}

/** The host that the text of a link shows, where it looks like one. */
function shownHost(rest: string): string | undefined {
  const open = rest.indexOf('>');
  const close = rest.toLowerCase().indexOf('</a', open);
  if (open < 0 || close < 0) return undefined;
  const [word = '', another] = visibleText(rest.slice(open + 1, close))
    .trim()
    .split(/\s+/);
  return another === undefined ? bareHost(mended(word)) : undefined;
}

function fromText(text: string, found: Found): void {
  for (const word of mended(text).split(/[\s"'<>()[\]{}|,;*]+/)) {
    if (word.length < 4 || !(word.includes('.') || word.includes('://'))) continue;
    const host = bareHost(word.slice(0, URL_MAX));
    if (host !== undefined) found.add(host);
  }
}

/** What is written apart, so that no machine follows it, put together again. */
function mended(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]/g, '')
    .replace(/[\u3002\uff61]/g, '.')
    .replace(/\bh(?:xx|tt|\*\*)p(s?)\b/gi, 'http$1')
    .replace(/[[({] ?(?:\.|dot) ?[\])}]/gi, '.')
    .replace(/[[({]:(?:\/\/)?[\])}]/g, (whole) => (whole.includes('/') ? '://' : ':'));
}

/** As a browser reads an address (WHATWG URL): blanks within dropped, `\\` for `/`, numbers as addresses. */
function hostOf(written: string): string | undefined {
  const url = written.trim();
  const absolute = /^[\\/]{2}/.test(url) ? `http:${url}` : url;
  if (!/^[\s]*(?:h[\s]*t[\s]*t[\s]*p|ftp)/i.test(absolute)) return undefined;
  if (!URL.canParse(absolute)) return undefined;
  const { protocol, hostname } = new URL(absolute);
  if (!['http:', 'https:', 'ftp:'].includes(protocol)) return undefined;
  const host = hostname.replace(/\.+$/, '');
  return host === '' ? undefined : host;
}

/** A link without its beginning, where the name's end is one that is in use. */
function bareHost(word: string): string | undefined {
  const at = word.search(/(?:https?|ftp):[\\/]/i);
  if (at >= 0) return hostOf(word.slice(at));
  // A mail address is no link.
  if (word.includes('@')) return undefined;
  const end = word.search(/[/?#:\\]/);
  const name = (end < 0 ? word : word.slice(0, end)).replace(/^[.\-_]+|[.\-_!]+$/g, '');
  if (!/^[^\s.]{1,63}(?:\.[^\s.]{1,63}){1,10}$/.test(name)) return undefined;
  const { isIcann, domain, isIp } = parse(name);
  if (isIp === true || isIcann !== true || domain === null) return undefined;
  return hostOf(`http://${name}/`);
}

const CYRILLIC = /\p{Script=Cyrillic}/u;
const GREEK = /\p{Script=Greek}/u;
const LATIN = /\p{Script=Latin}/u;
/** Cyrillic letters that are drawn as Latin ones. */
const DRAWN_ALIKE = /^[асеорхуіјѕһԁԛԝӏгтп0-9-]+$/u;

function looksAlike(host: string): boolean {
  if (!host.includes('xn--')) return false;
  return domainToUnicode(host)
    .split('.')
    .some((label) => {
      const scripts = [LATIN, CYRILLIC, GREEK].filter((script) => script.test(label)).length;
      return scripts > 1 || (CYRILLIC.test(label) && DRAWN_ALIKE.test(label));
    });
}
