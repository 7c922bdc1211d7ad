/** mailauth's verifier held to what one check asks: DKIM or ARC alone, and no more signatures than a message may cost. */
import { DkimVerifier, type SignatureHeader, type SignatureResult } from 'mailauth/lib/dkim/dkim-verifier.js';
import type { Timestamp } from '../mail/time.ts';
import type { SpooledContent } from '../ports/content.ts';
import type { MailauthResolver } from './mailauth-resolver.ts';
import { easeRelaxed } from './relaxed-body.ts';

/**
 * Streams the content once through the verifier; the result lies in its `results` or its `arc`. Of signatures, the first
 * `most` are verified (RFC 6376 §6.1 leaves the bound to us).
 */
export async function verifySignatures(
  kind: SignatureHeader['type'],
  content: SpooledContent,
  most: number,
  now: Timestamp,
  dns: MailauthResolver,
  signal: AbortSignal,
): Promise<SignatureVerifier> {
  const verifier = new SignatureVerifier(kind, most, { resolver: dns.resolve, strict: true, curTime: new Date(now) });
  // By its own methods, not as the stream it also is: a pipeline costs as much as the work for a message of usual size.
  for await (const { buffer, byteOffset, byteLength } of content.open(signal)) {
    signal.throwIfAborted();
    const piece = Buffer.from(buffer, byteOffset, byteLength);
    // Of the header section the verifier keeps the pieces: they are to be its own.
    await verifier.writeAsync(verifier.headers === false ? Buffer.from(piece) : piece);
  }
  await verifier.finish();
  return verifier;
}

/**
 * Each costs a pass over the whole body. Signers use one way, lists another, and old ones SHA-1; who signs ten lengths (`l=`)
 * of one body wants us to be busy.
 */
const BODY_HASHES_MAX = 3;

/** Whatever a signature's key lookup ends in is for the verifier to tell, which asks again and hears the same. */
const ignore = (): void => {};

export class SignatureVerifier extends DkimVerifier {
  readonly #kind: SignatureHeader['type'];
  readonly #most: number;
  readonly #resolve: MailauthResolver['resolve'];
  /** Ways to hash the body: canonicalization, algorithm and length. */
  readonly #ways = new Set<string>();
  /** Pieces of a line whose end has not come; `limits.line` bounds it. */
  #line: Buffer[] = [];
  /** What is made easy of a piece; used again for the next. */
  #room: Buffer = NOTHING;
  #taken = 0;
  #asked = false;

  constructor(kind: SignatureHeader['type'], most: number, options: ConstructorParameters<typeof DkimVerifier>[0]) {
    super(options);
    this.#kind = kind;
    this.#most = most;
    this.#resolve = options.resolver;
  }

  /** Asks for all keys at the first signature: one after the other, four that nobody answers would use up the check's time. */
  override verifySignature(header: SignatureHeader, fallback?: boolean): Promise<SignatureResult> {
    if (!this.#asked) for (const one of this.signatureHeaders) this.#askForKey(one);
    this.#asked = true;
    return super.verifySignature(header, fallback);
  }

  #askForKey({ skip, invalid, parsed, bodyHashKey = '', selector, signingDomain }: SignatureHeader): void {
    if (skip !== undefined || invalid !== undefined || parsed?.bh?.value !== this.bodyHashes.get(bodyHashKey)?.hash)
      return;
    this.#resolve(`${selector}._domainkey.${signingDomain}`, 'TXT').catch(ignore);
  }

  override prepareSignature(header: SignatureHeader): void {
    super.prepareSignature(header);
    if (header.type !== this.#kind) header.skip = 'not asked';
    else if (++this.#taken > this.#most) header.skip = `beyond ${this.#most} signatures`;
    if (header.skip !== undefined || header.invalid !== undefined) return;
    const way = `${header.bodyCanon}:${header.hashAlgo}:${header.maxBodyLength}`;
    if (!this.#ways.has(way) && this.#ways.size >= BODY_HASHES_MAX)
      header.skip = `beyond ${BODY_HASHES_MAX} body hashes`;
    else this.#ways.add(way);
  }

  /** Whole lines at a time: mailauth looks at an open line from its beginning again with every piece that comes. */
  override async nextChunk(chunk: Buffer): Promise<void> {
    const end = chunk.lastIndexOf(LF) + 1;
    let begin = 0;
    if (end > 0 && this.#line.length > 0) {
      // The open line alone is put together: the rest of the chunk is hashed where it lies.
      begin = chunk.indexOf(LF) + 1;
      this.#hash(Buffer.concat([...this.#line, chunk.subarray(0, begin)]));
      this.#line = [];
    }
    if (begin < end) this.#hash(chunk.subarray(begin, end));
    if (end < chunk.length) this.#line.push(Buffer.from(chunk.subarray(end)));
  }

  override finalChunk(): Promise<void> {
    this.#hash(Buffer.concat(this.#line));
    return super.finalChunk();
  }

  #hash(lines: Buffer): void {
    const relaxed = [...this.bodyHashes.keys()].some(isRelaxed);
    const eased = relaxed ? easeRelaxed(lines, this.#roomFor) : lines;
    // Whole lines whose ends are CR LF: of these the hashes keep nothing.
    for (const [way, hash] of this.bodyHashes) hash.update(isRelaxed(way) ? eased : lines);
  }

  readonly #roomFor = (length: number): Buffer => {
    if (this.#room.length < length) this.#room = Buffer.allocUnsafeSlow(length);
    return this.#room;
  };
}

const LF = 10;
const NOTHING = Buffer.alloc(0);
const isRelaxed = (way: string): boolean => way.startsWith('relaxed:');
