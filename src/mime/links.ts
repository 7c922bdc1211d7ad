/** Where the links of a message lead: the hosts in its texts, by one pass over each, in the order in which they stand. */
import { parse } from 'tldts';
import { decodeEntities } from './entities.ts';
import { type Attribute, type HtmlSink, scanHtml } from './html-scan.ts';
import type { PartText } from './inside.ts';
import { type LinkHost, readHost } from './link-host.ts';
import { Meter } from './meter.ts';
import { plainLinks } from './plain-links.ts';
import { targetOf } from './url-host.ts';
import { breaksLine } from './visible-text.ts';

export interface Links {
  /** Each once: those of tags and with a scheme before bare names. */
  readonly hosts: readonly LinkHost[];
  /** Hosts of links whose text shows another host. */
  readonly differing: readonly string[];
  /** Links that run or hold something themselves: `javascript:`, `data:`. */
  readonly scripts: number;
  /** There were more different ones than are read. */
  readonly partial: boolean;
}

/**
 * Different hosts that are read, of links and of bare names apart, so that many of one kind hide none of the other. A name beyond
 * ASCII takes some 50 µs; a newsletter has thirty.
 */
const READ_MAX = 500;
/** What of a link's text is held against where it leads. */
const SHOWN_MAX = 300;

/** Attributes that hold one address. */
const ADDRESSES: ReadonlySet<string> = new Set([
  ...[
    'href',
    'src',
    'action',
    'formaction',
    'background',
    'poster',
    'data',
    'cite',
    'longdesc',
    'codebase',
    'classid',
    'manifest',
  ],
  ...['xlink:href', 'lowsrc', 'dynsrc', 'archive', 'profile', 'usemap', 'icon'],
]);
/** Attributes in which addresses stand among other things: `content="0;url=…"`, `style="…url(…)"`. */
const holdsAddresses = (name: string): boolean =>
  ['content', 'style', 'srcset', 'imagesrcset', 'ping', 'srcdoc', 'value'].includes(name) || name.startsWith('on');

export function findLinks(texts: readonly PartText[], meter: Meter = new Meter()): Links {
  const finder = new Finder(meter);
  for (const { html, text } of texts) {
    if (html) finder.html(text);
    else finder.plain(text);
  }
  return finder.links();
}

class Finder {
  readonly #meter: Meter;
  /** By how they are written. */
  readonly #sure = new Map<string, LinkHost | undefined>();
  readonly #bare = new Map<string, LinkHost | undefined>();
  readonly #differing = new Set<string>();
  #scripts = 0;
  #partial = false;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  links(): Links {
    const hosts = new Map<string, LinkHost>();
    for (const host of [...this.#sure.values(), ...this.#bare.values()])
      if (host !== undefined && !hosts.has(host.name)) hosts.set(host.name, host);
    return {
      hosts: [...hosts.values()],
      differing: [...this.#differing],
      scripts: this.#scripts,
      partial: this.#partial,
    };
  }

  plain(text: string): void {
    plainLinks(text, { url: (written) => this.#host(written), bare: (written) => this.#name(written) }, this.#meter);
  }

  html(html: string): void {
    const shown: string[] = [];
    let link: { readonly host: LinkHost; text: string } | undefined;
    const closeLink = (): void => {
      if (link !== undefined) this.#compare(link.host, link.text);
      link = undefined;
    };
    const sink: HtmlSink = {
      text: (text) => {
        shown.push(text);
        if (link !== undefined && link.text.length < SHOWN_MAX) link.text += text.slice(0, SHOWN_MAX);
      },
      tag: (name, closing, attributes) => {
        if (breaksLine(name)) shown.push('\n');
        if (name === 'a') closeLink();
        if (closing) return;
        for (const attribute of attributes) {
          const host = this.#attribute(attribute);
          if (name === 'a' && attribute.name === 'href' && host !== undefined) link = { host, text: '' };
        }
      },
      raw: (text) => this.#withScheme(text),
    };
    scanHtml(html, sink, this.#meter);
    closeLink();
    this.plain(shown.join(''));
  }

  /** The host it leads to, where it is an address. */
  #attribute({ name, value }: Attribute): LinkHost | undefined {
    const address = ADDRESSES.has(name);
    if (value === '' || (!address && !holdsAddresses(name))) return undefined;
    const plain = decodeEntities(value, true, this.#meter);
    this.#meter.steps += plain.length;
    if (!address) {
      this.#withScheme(plain);
      return undefined;
    }
    const target = targetOf(plain);
    switch (target.kind) {
      case 'host':
        return this.#host(target.written);
      case 'likely':
        return this.#name(target.written);
      case 'mail':
        for (const domain of target.written) this.#host(domain);
        return undefined;
      case 'script':
        this.#scripts++;
        this.#withScheme(target.code);
        return undefined;
      case 'other':
        this.#withScheme(target.rest);
        return undefined;
      case 'none':
        return undefined;
    }
  }

  /** In code and style sheets a name with a dot is no host; only what has a scheme is. */
  #withScheme(text: string): void {
    plainLinks(text, { url: (written) => this.#host(written), bare: () => {} }, this.#meter);
  }

  #host(written: string): LinkHost | undefined {
    return this.#read(this.#sure, written, () => readHost(written));
  }

  #name(written: string): LinkHost | undefined {
    return this.#read(this.#bare, written, () => readBareName(written));
  }

  #read(
    known: Map<string, LinkHost | undefined>,
    written: string,
    read: () => LinkHost | undefined,
  ): LinkHost | undefined {
    if (written === '') return undefined;
    if (known.has(written)) return known.get(written);
    if (known.size >= READ_MAX) {
      this.#partial = true;
      return undefined;
    }
    const host = read();
    known.set(written, host);
    return host;
  }

  /** `<a href="http://evil.example/">www.bank.example</a>`: every host that is shown belongs to somebody else. */
  #compare(host: LinkHost, text: string): void {
    if (!text.includes('.') && !text.includes('[')) return;
    const shown: LinkHost[] = [];
    const see = (read: (written: string) => LinkHost | undefined) => (written: string) => {
      const found = shown.length < 5 ? read(written) : undefined;
      if (found !== undefined) shown.push(found);
    };
    plainLinks(
      text.slice(0, SHOWN_MAX),
      { url: see((written) => this.#host(written)), bare: see((written) => this.#name(written)) },
      this.#meter,
    );
    if (shown.length > 0 && !shown.some((other) => ownerOf(other) === ownerOf(host))) this.#differing.add(host.name);
  }
}

const ownerOf = ({ name, domain }: LinkHost): string => domain || name;

/** Files that are called as a top-level domain is, and are named in mail more often. */
const FILES = /\.(?:zip|mov)$/i;

/** A name in running text is a host where its last label is a top-level domain: `and/or`, `e.g.` and `file.txt` are none. */
function readBareName(written: string): LinkHost | undefined {
  // "me.It is": a sentence whose blank was forgotten.
  if (/^[^A-Z]*\.[A-Z][a-z]+$/.test(written.slice(-80)) || FILES.test(written)) return undefined;
  return (
    ofKnownSuffix(written) ?? ofKnownSuffix(/[\x21-\x7e]+$/.exec(written)?.[0]) ?? ofKnownSuffix(asciiPart(written))
  );
}

/** Writing without blanks: `请看example.com谢谢`. */
const asciiPart = (written: string): string | undefined => /[a-z0-9-]+(?:\.[a-z0-9-]+)+/i.exec(written)?.[0];

function ofKnownSuffix(written: string | undefined): LinkHost | undefined {
  if (written === undefined) return undefined;
  const last = written.slice(written.lastIndexOf('.') + 1);
  // Cheap first: most of what has a dot ends in no such label.
  if (/^[\x00-\x7f]*$/.test(last) && parse(`x.${last}`).isIcann !== true) return undefined;
  const host = readHost(written);
  if (host === undefined || host.domain === '') return undefined;
  const known = parse(host.name);
  return known.isIcann === true || known.isPrivate === true ? host : undefined;
}
