/** Signatures as OpenDKIM verifies them, which most of those who receive mail have done for fifteen years. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { AWKWARD } from '../support/awkward-mail.ts';
import { EDITS, keyRing, leaves, type Ring, signerOf } from '../support/signed-variants.ts';
import { temporaryFolder } from '../support/store-folder.ts';
import { provide } from './daemon.ts';

const missing = await provide('opendkim');
const exec = promisify(execFile);

// RFC 5322 §4.5 calls it obsolete, and OpenDKIM looks at no message that has it.
const { 'a blank before the colon': _, ...KNOWN } = AWKWARD;

/** What it says of each message, in order. It has one word a message: give each a single signature. */
async function verified(ring: Ring, messages: readonly string[]): Promise<readonly string[]> {
  const folder = temporaryFolder();
  const keys = Object.entries(ring.records).map(([name, record]) => `${name} ${record}\n`);
  writeFileSync(join(folder, 'keys'), keys.join(''));
  writeFileSync(join(folder, 'conf'), `Mode v\nTestPublicKeys ${folder}/keys\nSyslog no\n`);
  const files = messages.map((message, n) => {
    // As it is on the wire, where every line is ended.
    writeFileSync(join(folder, `${n}.eml`), message.endsWith('\r\n') ? message : `${message}\r\n`, 'latin1');
    return join(folder, `${n}.eml`);
  });
  const { stdout, stderr } = await exec('/usr/sbin/opendkim', ['-x', join(folder, 'conf'), '-t', files.join(',')]);
  return files.map((file) => (stdout + stderr).split('\n').find((line) => line.includes(file)) ?? 'nothing');
}

const only = (ring: Ring, selector: string): Ring => ({
  ...ring,
  signing: new Map([...ring.signing].map(([name, keys]) => [name, keys.filter((key) => key.selector === selector)])),
});

describe.skipIf(missing !== '')('OpenDKIM', () => {
  const ring = keyRing();

  test.each(['rsa', 'ed'])('verifies every message after every edit: %s', async (selector) => {
    const signer = signerOf(only(ring, selector));
    const names: string[] = [];
    const messages: string[] = [];
    for (const [name, message] of Object.entries(KNOWN))
      for (const [edit, edits] of Object.entries(EDITS)) {
        names.push(`${name}, ${edit}`);
        messages.push((await leaves(message, edits(message), signer)).text);
      }
    const said = await verified(ring, messages);
    const wrong = names.filter(
      (_name, n) => !said[n]!.includes(`(s=${selector}, d=example.com`) || !/succeeded/.test(said[n]!),
    );
    expect(wrong).toEqual([]);
    expect(names.length).toBeGreaterThan(80);
  });

  test('does not where a letter of the body is another one, or a field was added above', async () => {
    const { text } = await leaves(KNOWN.plain!, [], signerOf(only(ring, 'rsa')));
    const said = await verified(ring, [text, text.replace('Body', 'Bogy'), `Subject: other\r\n${text}`]);
    expect(said[0]).toContain('succeeded');
    expect(said.slice(1).join()).not.toContain('succeeded');
    expect(said[1]).toContain('failed');
  });
});
