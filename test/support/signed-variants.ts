/** What a gateway would send of a message: signed or sealed, with its edits, by keys made on the spot. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyRing } from '../../src/adapters/signing/signing-keys.ts';
import type { DomainKey } from '../../src/config/installation.ts';
import { consign } from '../../src/gateway/deliver.ts';
import { type Hands, Stamps } from '../../src/gateway/signing/stamps.ts';
import { strip } from '../../src/gateway/strip.ts';
import { tagSubject } from '../../src/gateway/tag-subject.ts';
import { parseHeaderSection } from '../../src/mail/header.ts';
import { Walk } from '../../src/mime/walk.ts';
import type { SpooledContent } from '../../src/ports/content.ts';
import type { Edit, SenderStanding } from '../../src/queue/entry.ts';
import { anEntry, T0 } from './entries.ts';
import { quiet } from './gateway.ts';
import { store } from './sending.ts';
import { ed25519Key, rsaKey } from './signing.ts';

export const octetsOf = (text: string): Buffer => Buffer.from(text, 'latin1');

export function contentOf(text: string, pieces = 1000): SpooledContent {
  const octets = octetsOf(text);
  const open = async function* () {
    for (let at = 0; at < octets.length; at += pieces) yield octets.subarray(at, at + pieces);
  };
  const { length } = parseHeaderSection(octets);
  return { ref: 'c1', size: octets.length, sha256: '', header: octets.subarray(0, length), open };
}

export interface Ring {
  readonly keys: KeyRing;
  readonly signing: ReadonlyMap<string, readonly DomainKey[]>;
  /** Text of each record by its name. */
  readonly records: { readonly [name: string]: string };
}

/** An RSA and an Ed25519 key of example.com, both active unless it is said otherwise; their files are gone again. */
export function keyRing(more: Partial<DomainKey> = {}): Ring {
  const folder = mkdtempSync(join(tmpdir(), 'postern-'));
  const ring = new KeyRing({ watch: () => () => {} }, quiet);
  const made = { rsa: rsaKey(2048), ed: ed25519Key() };
  const keys = Object.entries(made).map(([selector, { privateKey }]): DomainKey => {
    const keyFile = join(folder, `${selector}.pem`);
    writeFileSync(keyFile, privateKey, { mode: 0o600 });
    ring.keyOf(keyFile);
    return { selector, keyFile, state: 'active', expire: undefined, ...more };
  });
  rmSync(folder, { recursive: true });
  return {
    keys: ring,
    signing: new Map([['example.com', keys]]),
    records: Object.fromEntries(
      Object.entries(made).map(([selector, { record }]) => [`${selector}._domainkey.example.com`, record]),
    ),
  };
}

/** The edits a rule may ask for, made as the gateway makes them. */
export const EDITS: { readonly [name: string]: (text: string) => readonly Edit[] } = {
  none: () => [],
  add_header: () => [{ kind: 'addField', field: 'X-Spam: no\r\n at all' }],
  'add_header of a field that is signed': () => [{ kind: 'addField', field: 'Reply-To: help@example.com' }],
  remove_header: (text) =>
    fieldsOf(text).flatMap(({ name }, index): readonly Edit[] =>
      name === 'subject' ? [{ kind: 'removeField', index }] : [],
    ),
  tag_subject: (text) => tagSubject(['[EXTERNAL]'], { fields: fieldsOf(text) }, octetsOf(text)),
  strip_attachments: (text) => {
    const walk = new Walk();
    walk.write(octetsOf(text));
    const { strays } = parseHeaderSection(octetsOf(text));
    const which = { kind: 'stripAttachments', which: { kind: 'all' }, note: '', keep: true, by: 'rule:all' } as const;
    const whole = { inside: walk.end(), size: text.length, fields: fieldsOf(text), strays };
    const stripped = strip(
      [which],
      whole,
      { hostname: 'mx.test', id: '3f9k2m7q0d5xa', contact: 'p@x.test' },
      () => false,
    );
    return stripped.kind === 'stripped' ? stripped.edits : [];
  },
};

const fieldsOf = (text: string) =>
  parseHeaderSection(octetsOf(text)).fields.map((field) => ({ ...field, name: field.name.toLowerCase() }));

/** What leaves: our trace on top, then the message with its edits; and what the record is told. */
export async function leaves(
  text: string,
  edits: readonly Edit[],
  hands: Partial<Hands>,
  sender: SenderStanding = 'authenticated',
  pieces = 1000,
): Promise<{ readonly text: string; readonly told: readonly string[] }> {
  const content = contentOf(text, pieces);
  const stamps = new Stamps(content, sender, { signer: undefined, sealer: undefined, ...hands });
  const bare = anEntry({ prefix: 'Received: by mx.test; Sat, 28 Nov 2026 09:00:01 +0000\r\n', edits });
  const entry = await stamps.stamp(bare, store);
  const chunks: Uint8Array[] = [];
  const never = new AbortController().signal;
  for await (const chunk of consign([entry], store, () => content.open(never)).open(never)) chunks.push(chunk);
  return {
    text: Buffer.concat(chunks).toString('latin1'),
    told: stamps.events('3f9k2m7q0d5xa', T0).map((event) => `${event.recipient} ${event.kind} ${event.text}`),
  };
}

export const signerOf = ({ keys, signing }: Ring) => ({ signer: { keys, signing, at: T0 } });
