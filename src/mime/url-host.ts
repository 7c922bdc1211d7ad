/** Where an address in an attribute leads, read as browsers read it (WHATWG URL §4.4): odd slashes, user names, line ends and all. */

export type UrlTarget =
  /** `written`: the host as it stands there. */
  | { readonly kind: 'host'; readonly written: string }
  /** Without a scheme; a host only where its last label is a top-level domain. */
  | { readonly kind: 'likely'; readonly written: string }
  /** `mailto:`, the domains of its addresses. */
  | { readonly kind: 'mail'; readonly written: readonly string[] }
  /** Runs or shows what it holds itself: `javascript:`, `vbscript:`, `data:` that is no picture. */
  | { readonly kind: 'script'; readonly code: string }
  /** A scheme that means nothing to us; an address may stand in it. */
  | { readonly kind: 'other'; readonly rest: string }
  | { readonly kind: 'none' };

const ADDRESSES_MAX = 50;

/** `value`: entities decoded. */
export function targetOf(value: string): UrlTarget {
  // Browsers drop line ends and tabs anywhere, and control characters and blanks at both ends.
  const url = value.replace(/[\t\r\n]+/g, '').replace(/^[\x00-\x20]+/, '');
  const colon = schemeEnd(url);
  if (colon === 0) return isSlash(url[0]) && isSlash(url[1]) ? authority(url) : relative(url);
  const scheme = url.slice(0, colon).toLowerCase();
  const rest = url.slice(colon + 1);
  switch (scheme) {
    // Any number of slashes, of either kind, none included.
    case 'http':
    case 'https':
    case 'ftp':
    case 'ws':
    case 'wss':
      return authority(rest);
    case 'mailto':
      return { kind: 'mail', written: mailDomains(rest) };
    case 'javascript':
    case 'vbscript':
      return { kind: 'script', code: rest };
    case 'data':
      return /^(?:image|font|audio|video)\//i.test(rest) ? { kind: 'none' } : { kind: 'script', code: rest };
    default:
      return isSlash(rest[0]) && isSlash(rest[1]) ? authority(rest) : { kind: 'other', rest };
  }
}

/** The host of what stands from the slashes on: up to the path, without who logs in and without the port. */
function authority(text: string): UrlTarget {
  let start = 0;
  while (isSlash(text[start])) start++;
  let end = start;
  while (end < text.length && !isSlash(text[end]) && text[end] !== '?' && text[end] !== '#') end++;
  const written = hostIn(text.slice(start, end));
  return written === '' ? { kind: 'none' } : { kind: 'host', written };
}

/** `user:password@host:port` → `host`; the last @ counts. */
export function hostIn(authorityText: string): string {
  const host = authorityText.slice(authorityText.lastIndexOf('@') + 1).trim();
  if (host.startsWith('[')) return host.slice(0, host.indexOf(']') + 1);
  const colon = host.indexOf(':');
  return colon < 0 ? host : host.slice(0, colon);
}

/** Without a scheme it leads nowhere else, for a browser; readers of mail make a link of `www.example.com/x` all the same. */
function relative(url: string): UrlTarget {
  const end = url.search(/[/\\?#]/);
  const host = end < 0 ? url : url.slice(0, end);
  const looks = /^www\./i.test(host) || (end > 0 && /^[^\s.@]+(?:\.[^\s.@]+)*\.[a-z]{2,}$/i.test(host.slice(-80)));
  return looks && !/\.(?:html?|php|aspx?|gif|png|jpe?g|css|js)$/i.test(host)
    ? { kind: 'likely', written: host }
    : { kind: 'none' };
}

function mailDomains(rest: string): string[] {
  const query = rest.indexOf('?');
  const addresses = (query < 0 ? rest : rest.slice(0, query)).split(/[,;]|%2c/i, ADDRESSES_MAX);
  return addresses.flatMap((address) => {
    const at = /^.*(?:@|%40)/is.exec(address.slice(0, 700))?.[0].length;
    return at === undefined ? [] : [address.slice(at).trim().replace(/>$/, '')];
  });
}

/** Where the colon of a scheme stands, 0 where there is none. */
function schemeEnd(url: string): number {
  const found = /^[a-z][a-z0-9+.-]{0,30}:/i.exec(url);
  // `example.com:8080/x` is a host with its port.
  return found === null || /^[^:]*\.[^:]*:\d/.test(url.slice(0, 40)) ? 0 : found[0].length - 1;
}

const isSlash = (letter: string | undefined): boolean => letter === '/' || letter === '\\';
