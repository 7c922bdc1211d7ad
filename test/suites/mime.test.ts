/** Malformed and hostile messages of others, by DATA and by BDAT: kept octet for octet, or refused for a stated reason; never a crash. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import { wireOctets } from '../../src/gateway/rehearse.ts';
import { FakeWire } from '../support/fake-wire.ts';
import { resolverOver, sound, testGateway } from '../support/gateway.ts';
import { Client } from '../support/receiver.ts';
import { suite } from '../support/suites.ts';

const folder = suite('mime', '221 messages of mailparser and Rspamd');

interface Letter {
  readonly name: string;
  /** As it lies on disk, its lines ended as on the wire where it has none that are. */
  readonly octets: Buffer;
  /** Why a strict reader refuses it; '' where it does not. */
  readonly flaw: '' | 'bare-newline' | 'nul-octet';
}

const letters = (): Letter[] =>
  readdirSync(folder!, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.eml'))
    .sort()
    .map((name) => {
      const octets = Buffer.from(wireOctets(readFileSync(join(folder!, name))));
      const text = octets.toString('latin1');
      const flaw = /\r(?!\n)|(?<!\r)\n/.test(text) ? 'bare-newline' : text.includes('\0') ? 'nul-octet' : '';
      return { name, octets, flaw };
    });

const ended = (text: string): string => (text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`);
const stuffed = (octets: Buffer): string =>
  `${ended(octets.toString('latin1')).replace(/^\.|(?<=\r\n)\./g, '..')}.\r\n`;
/** In three chunks, so that borders fall where they like. */
function chunks(octets: Buffer): string {
  const third = Math.ceil(octets.length / 3);
  const pieces = [octets.subarray(0, third), octets.subarray(third, 2 * third), octets.subarray(2 * third)];
  return pieces
    .map((piece, n) => `BDAT ${piece.length}${n === 2 ? ' LAST' : ''}\r\n${piece.toString('latin1')}`)
    .join('');
}

const WAYS = ['DATA', 'BDAT'] as const;
const FLAWS = { 'bare-newline': /^550 5\.6\.0 .*bare CR or LF/, 'nul-octet': /^550 5\.6\.0 .*NUL octet/ };

test.runIf(folder !== undefined)(
  'in one segment through checks and rules: what is accepted is what was sent, what is not has a reason',
  async () => {
    const gateway = await testGateway(sound('fixtures/everything/postern.yaml'), resolverOver({}));
    onTestFinished(() => gateway.stop());
    let accepted = 0;
    for (const { name, octets, flaw } of letters())
      for (const way of WAYS) {
        gateway.state = new MemoryState();
        gateway.admissions.splice(0);
        const client = await Client.connect(gateway.port);
        await client.reply();
        await client.ask('EHLO client.example');
        await client.ask('MAIL FROM:<a@sender.example> BODY=8BITMIME');
        expect(await client.ask('RCPT TO:<bob@example.com>')).toMatch(/^250 /);
        if (way === 'DATA') expect(await client.ask('DATA')).toMatch(/^354 /);
        client.send(way === 'DATA' ? stuffed(octets) : chunks(octets));
        let reply = await client.reply();
        while (reply?.endsWith('octets received')) reply = await client.reply();
        client.socket.destroy();
        const said = `${name} by ${way}: ${reply}`;
        if (flaw !== '') expect(reply?.replace(/\(ref \S+\) /, ''), said).toMatch(FLAWS[flaw]);
        else if (!reply?.startsWith('250 2.0.0 queued as'))
          expect(reply, said).toMatch(/^[45]\d\d [45]\.\d+\.\d+ \(ref /);
        else {
          accepted++;
          const kept: Uint8Array[] = [];
          for await (const chunk of gateway.admissions[0]!.content!.open(new AbortController().signal))
            kept.push(chunk);
          expect(Buffer.concat(kept).toString('latin1') === ended(octets.toString('latin1')), said).toBe(true);
        }
        expect(gateway.errors, said).toEqual([]);
      }
    // Most of them are: a test that refuses all would pass as well.
    expect(accepted).toBeGreaterThan(300);
  },
  120_000,
);

/** Of the six that are larger, the rest comes at once: their line ends are no others than those before. */
const OCTET_BY_OCTET = 20_000;

test.runIf(folder !== undefined)(
  'octet by octet: what is kept is what was sent, or it was refused',
  async () => {
    for (const { name, octets, flaw } of letters())
      for (const way of WAYS) {
        const wire = new FakeWire('strict');
        await wire.hear(['EHLO c.example\r\n', 'MAIL FROM:<a@sender.example>\r\n', 'RCPT TO:<bob@example.com>\r\n']);
        if (way === 'DATA') await wire.hear(['DATA\r\n']);
        const stream = way === 'DATA' ? stuffed(octets) : chunks(octets);
        await wire.hear([...stream.slice(0, OCTET_BY_OCTET), stream.slice(OCTET_BY_OCTET)]);
        const said = `${name} by ${way}`;
        expect(wire.fault, said).toBeUndefined();
        const refused = wire.script.refusals.filter(({ command }) => command === 'content').map(({ reason }) => reason);
        expect(refused, said).toEqual(flaw === '' ? [] : [flaw]);
        const kept = wire.script.messages.map((message) => message.toString('latin1'));
        const same = kept.length === 1 && kept[0] === ended(octets.toString('latin1'));
        expect(flaw === '' ? same : kept.length === 0, said).toBe(true);
      }
  },
  120_000,
);
