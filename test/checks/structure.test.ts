/** What a policy can say about the structure of a message, played from the wire to the verdict. */
import { describe, expect, test } from 'vitest';
import { structure } from '../../src/checks/structure.ts';
import { Walk } from '../../src/mime/walk.ts';
import { base64Lines, zip } from '../support/archives.ts';
import { runOn } from '../support/check-bench.ts';
import { rehearsalOf } from '../support/rehearsal.ts';

const policyWith = (when: string): string => `policy: inbound
lists:
  blocked_extensions: { kind: word, values: [exe, scr, js] }
checks:
  data:
    - structure: {}
rules:
  data:
    - name: blocked
      group: malware
      when: ${JSON.stringify(when)}
      reject: { code: 550, enhanced: 5.7.1, text: "files of this kind are not taken" }
`;
const BLOCKED = 'structure.attachments.exists(a, a.extension in lists.blocked_extensions || a.archive.encrypted)';
const letter = (type: string, octets: Buffer | string): string => `From: a@example.org
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain

hello
--x
Content-Type: ${type}
Content-Transfer-Encoding: base64

${base64Lines(octets)}
--x--
`;

async function verdict(when: string, raw: string): Promise<string> {
  const { record } = await rehearsalOf(policyWith(when))({ rcpt: ['b@example.net'], mail_from: 'a@example.org', raw });
  return record.recipients[0]!.verdict;
}

describe('rules about what is inside', () => {
  test.each([
    ['a program by its name', 'application/octet-stream; name="Invoice.EXE"', 'x', 'reject'],
    [
      'an encrypted archive',
      'application/zip; name=a.zip',
      zip([{ name: 'a.doc', body: 'x', encrypted: true }]),
      'reject',
    ],
    ['an open archive', 'application/zip; name=a.zip', zip([{ name: 'a.doc', body: 'x' }]), 'accept'],
    ['a letter', 'text/plain; name=a.txt', 'x', 'accept'],
  ])('%s', async (_, type, octets, expected) => {
    expect(await verdict(BLOCKED, letter(type, octets))).toBe(expected);
  });

  test.each([
    ['structure.attachments.exists(a, a.archive.extensions.exists(e, e in lists.blocked_extensions))', 'reject'],
    ["'near-boundary' in structure.anomalies", 'accept'],
    ["structure.anomalies.size() > 0 || structure.result != 'ok' || structure.depth > 5", 'accept'],
    ["structure.attachments.exists(a, a.archive.entries.exists(e, rx(e, 'run.exe$')))", 'reject'],
    ['structure.attachments.exists(a, a.macros || a.archive.partial)', 'accept'],
  ])('%s', async (when, expected) => {
    const hidden = letter('application/zip; name=a.zip', zip([{ name: 'docs/run.exe', body: 'x' }]));
    expect(await verdict(when, hidden)).toBe(expected);
  });

  test.each([
    ["'uuencoded' in structure.anomalies", "structure.anomalies is never 'uuencoded'"],
    ["structure.anomalies.exists(a, a == 'uuencoded')", "structure.anomalies is never 'uuencoded'"],
    ["structure.result == 'okay'", "structure.result is never 'okay'"],
    ["structure.attachments.exists(a, a.ext == 'exe')", 'ext'],
    ["structure.attachments.exists(a, a.disposition == 'attached')", "never 'attached'"],
  ])('a word that is none does not load: %s', (when, says) => {
    expect(() => rehearsalOf(policyWith(when))).toThrow(says);
  });
});

const walked = (text: string) => {
  const walk = new Walk();
  walk.write(Buffer.from(text.replace(/\n/g, '\r\n'), 'latin1'));
  return walk.end();
};
const factsOf = async (text: string) =>
  (await runOn(structure, { message: Buffer.from('Subject: a\r\n\r\n'), inside: walked(text) })).facts;

describe('facts', () => {
  test('an ordinary letter has little to say', async () => {
    expect(await factsOf('Subject: a\nContent-Type: text/plain\n\nhello\n')).toEqual({
      ...{ result: 'ok', count: 1, depth: 0, attachments: [], anomalies: [] },
    });
  });

  test('are bounded, whatever the message', async () => {
    const member = (n: number) => ({ name: `${'d'.repeat(180)}${n}.e${n}` });
    const archive = zip(Array.from({ length: 300 }, (_, n) => member(n)));
    const part = `--x\nContent-Type: application/zip; name="${'n'.repeat(900)}.zip"\nContent-Transfer-Encoding: base64\n\n${base64Lines(archive)}\n`;
    const facts = await factsOf(`Content-Type: multipart/mixed; boundary=x\n\n${part.repeat(60)}--x--\n`);
    expect(facts.result).toBe('too-much');
    const files = facts.attachments as { archive: { partial: boolean; entries: string[] } }[];
    expect(files).toHaveLength(50);
    expect(files.flatMap(({ archive }) => archive.entries)).toHaveLength(100);
    // Extensions were left out, and that is told.
    expect(files.every(({ archive: { partial } }) => partial)).toBe(true);
    expect(JSON.stringify(facts).length).toBeLessThan(64 * 1024);
  });

  test('a terminal hears nothing of what names say', async () => {
    const facts = await factsOf('Content-Type: application/x; name="a\x1b[31m\x07.exe"\n\nx\n');
    expect(JSON.stringify(facts)).not.toMatch(/\\u001b|\\u0007/);
  });

  test('a message that we failed to read is no message without files', async () => {
    await expect(runOn(structure, { message: Buffer.from('Subject: a\r\n\r\n') })).rejects.toThrow('could not be read');
  });
});

describe('files are told by what whoever opens them sees', () => {
  const fileOf = (header: string, body = 'x'): string => `From: a@example.org
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain

hello
--x
${header}
Content-Transfer-Encoding: base64

${base64Lines(body)}
--x--
`;
  const within = fileOf('Content-Type: application/octet-stream; name=a.js').replace(/\n/g, '\r\n');

  test.each([
    ['a picture whose name is none', fileOf('Content-Type: image/png; name=a.js\nContent-Disposition: inline')],
    ['a picture in the text whose name is none', fileOf('Content-Type: image/png; name=a.js\nContent-ID: <a@b>')],
    ['no name, and a type that runs something', fileOf('Content-Type: application/hta')],
    ['a text that runs something', fileOf('Content-Type: text/javascript')],
    ['in a message that is a file', fileOf('Content-Type: application/octet-stream; name=a.eml', within)],
    ['a type behind a long comment', fileOf(`Content-Type: (${'x'.repeat(300)}) message/rfc822`, within)],
  ])('%s', async (_, raw) => {
    const wanted = "structure.attachments.exists(a, a.extension in ['js', 'hta'])";
    expect(await verdict(wanted, raw)).toBe('reject');
  });

  test('a picture in the text is no file', async () => {
    const raw = fileOf('Content-Type: image/png; name=a.PNG\nContent-ID: <a@b>');
    expect(await verdict('structure.attachments.size() > 0', raw)).toBe('accept');
  });

  test.each([
    [150, 'accept'],
    [151, 'reject'],
  ])('%i endings in one archive', async (count, expected) => {
    const members = Array.from({ length: count }, (_, n) => ({ name: `a.t${n}` }));
    expect(await verdict("structure.result == 'too-much'", letter('application/zip', zip(members)))).toBe(expected);
  });

  test('a delimiter with more behind it than a line may have is nearly one', async () => {
    const raw = letter('text/plain', 'x');
    const long = raw.replace('hello\n--x', `hello\n--x${' '.repeat(1200)}`);
    expect(await verdict("'near-boundary' in structure.anomalies", raw)).toBe('accept');
    expect(await verdict("'near-boundary' in structure.anomalies", long)).toBe('reject');
  });

  test('a boundary that is too long to be followed is told like one that has a rival', async () => {
    const of = (length: number) =>
      letter('text/plain', 'x').replace(/boundary=x|^--x/gm, (one) => `${one}${'x'.repeat(length - 1)}`);
    expect(await verdict("'contradictory-boundaries' in structure.anomalies", of(400))).toBe('accept');
    expect(await verdict("'contradictory-boundaries' in structure.anomalies", of(401))).toBe('reject');
  });
});
