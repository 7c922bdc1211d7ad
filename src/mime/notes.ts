/** What is gathered while a message is read: parts, oddities, texts, and how much of each there may be. */
import type { AnomalyName } from './anomaly.ts';
import { BOUNDS, type Bounds, USUAL_BOUNDS } from './bounds.ts';
import type { Anomaly, Inside, Part, PartText, Region } from './inside.ts';
import type { Unpacking } from './zip.ts';

/** One for a message and all messages within it. */
export class Notes {
  parts: Part[] = [];
  readonly #anomalies = new Map<string, Anomaly>();
  readonly #names = new Set<AnomalyName>();
  #regions: Region[] = [];
  readonly #texts: PartText[] = [];
  /** Octets of text that may still be kept. */
  textLeft: number;
  textsCut = false;
  /** Octets of header sections of parts that may still be read. */
  #headerLeft: number = BOUNDS.headersOctets;
  #delimitersLeft: number = BOUNDS.delimiters;
  /** Octets that archives within archives may still be unpacked to. */
  readonly unpacking: Unpacking = { left: BOUNDS.unpackedOctets, names: BOUNDS.archiveHeaders, room: Buffer.alloc(0) };
  depth = 0;
  begun = 0;
  result: Inside['result'] = 'ok';
  readonly bounds: Bounds;

  constructor(bounds: Bounds = USUAL_BOUNDS) {
    this.bounds = bounds;
    this.textLeft = bounds.textBytes;
  }

  /** However many places of others came before, each name is kept with one: rules ask for names. */
  odd(name: AnomalyName, part: string): void {
    if (this.#anomalies.size >= BOUNDS.anomalies && this.#names.has(name)) return;
    this.#names.add(name);
    this.#anomalies.set(`${name} ${part}`, { name, part });
  }

  region(region: Region): void {
    if (region.end <= region.start) return;
    if (this.#regions.length < BOUNDS.regions) this.#regions.push(region);
    else this.met('too-much');
  }

  /**
   * A message that was carried encoded ends: what lies in it has the place of the part that carries it, and no places of its
   * own in the content. Whoever wants those decodes that part and reads it anew.
   */
  carried(path: string, end: number): void {
    const within = `${path}.`;
    this.parts = this.parts.map((part) => (part.path.startsWith(within) ? { ...part, end } : part));
    this.#regions = this.#regions.filter(({ part }) => part !== path && !part.startsWith(within));
  }

  text(text: PartText): void {
    if (text.text !== '') this.#texts.push(text);
  }

  /** False: one part too many. */
  begin(): boolean {
    if (this.begun >= this.bounds.parts) {
      this.met('too-many-parts');
      return false;
    }
    this.begun++;
    return true;
  }

  /** False: header sections are too large in all. */
  readsHeader(octets: number): boolean {
    this.#headerLeft -= octets;
    if (this.#headerLeft < 0) this.met('too-much');
    return this.#headerLeft >= 0;
  }

  /** False: one delimiter too many. */
  seesDelimiter(): boolean {
    this.#delimitersLeft--;
    if (this.#delimitersLeft < 0) this.met('too-much');
    return this.#delimitersLeft >= 0;
  }

  /** The first bound that is met names the result. */
  met(bound: Exclude<Inside['result'], 'ok'>): void {
    if (this.result === 'ok') this.result = bound;
  }

  inside(): Inside {
    return {
      parts: this.parts.toSorted((a, b) => a.start - b.start || a.bodyStart - b.bodyStart),
      anomalies: [...this.#anomalies.values()],
      regions: this.#regions,
      texts: this.#texts,
      textsCut: this.textsCut,
      depth: this.depth,
      result: this.result,
    };
  }
}
