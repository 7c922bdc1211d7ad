/** A directory on a free loopback port that knows what a test says: enough of LDAP (RFC 4511) for a look-up and a bind. */
import type { Socket } from 'node:net';
import { hostileService } from './hostile-service.ts';

export interface ScriptedEntry {
  readonly dn: string;
  readonly password: string;
  /** What a search finds it by, in lower case. */
  readonly calledBy: readonly string[];
  readonly attributes: { readonly [name: string]: readonly string[] };
}

export interface ScriptedDirectory {
  readonly port: number;
  /** Binds so far, as whom. */
  readonly binds: string[];
  /** It takes connections and says nothing while this is set. */
  mute: boolean;
}

export async function scriptedDirectory(entries: readonly ScriptedEntry[]): Promise<ScriptedDirectory> {
  const binds: string[] = [];
  const answer = (socket: Socket, request: Buffer): void => {
    const [number, operation] = parts(parts(request)[0]!.body) as [Part, Part];
    const no = [...number.body].reduce((sum, octet) => sum * 256 + octet, 0);
    const say = (tag: number, body: Buffer): void =>
      void socket.write(packed(0x30, packed(2, Buffer.from([no >> 8, no & 255])), packed(tag, body)));
    const fields = operation.tag === UNBIND ? [] : parts(operation.body);
    if (operation.tag === BIND) {
      const [, dn, password] = fields.map(({ body }) => body.toString());
      binds.push(dn!);
      const right = entries.some((one) => one.dn === dn && one.password === password);
      say(BOUND, result(right ? 0 : INVALID_CREDENTIALS));
    } else if (operation.tag === SEARCH) {
      const asked = fields[6]!.body.toString().toLowerCase();
      for (const { dn, attributes } of entries.filter(({ calledBy }) =>
        calledBy.some((name) => asked.endsWith(name)),
      )) {
        const listed = Object.entries(attributes).map(([name, values]) =>
          packed(0x30, text(name), packed(0x31, ...values.map(text))),
        );
        say(ENTRY, Buffer.concat([text(dn), packed(0x30, ...listed)]));
      }
      say(DONE, result(0));
    }
  };
  const { port } = await hostileService((socket) => {
    socket.on('data', (octets: Buffer) => {
      if (!directory.mute) answer(socket, octets);
    });
    socket.on('end', () => socket.end());
  });
  const directory: ScriptedDirectory = { port, binds, mute: false };
  return directory;
}

const [BIND, BOUND, UNBIND, SEARCH, ENTRY, DONE] = [0x60, 0x61, 0x42, 0x63, 0x64, 0x65];
const INVALID_CREDENTIALS = 49;

interface Part {
  readonly tag: number;
  readonly body: Buffer;
}

function parts(octets: Buffer): Part[] {
  const found: Part[] = [];
  for (let at = 0; at < octets.length; ) {
    const long = octets[at + 1]! > 127 ? octets[at + 1]! & 127 : 0;
    const length = long === 0 ? octets[at + 1]! : octets.readUIntBE(at + 2, long);
    const begins = at + 2 + long;
    found.push({ tag: octets[at]!, body: octets.subarray(begins, begins + length) });
    at = begins + length;
  }
  return found;
}

function packed(tag: number, ...inner: readonly Buffer[]): Buffer {
  const body = Buffer.concat(inner);
  const head = Buffer.from([tag, 0x82, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

const text = (words: string): Buffer => packed(4, Buffer.from(words));
/** resultCode, matchedDN, diagnosticMessage. */
const result = (code: number): Buffer => Buffer.concat([Buffer.from([0x0a, 1, code]), text(''), text('')]);
