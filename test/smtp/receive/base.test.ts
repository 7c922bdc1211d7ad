/** smtp-server's classes are no documented interface: whatever we override or stand on is held to the text we have read. */
import { createHash } from 'node:crypto';
import { Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { expect, test, vi } from 'vitest';
import { Connection } from '../../../src/smtp/receive/connection.ts';
import { receiving } from '../../support/receiver.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);
const method = (base: { readonly prototype: object }, name: string): string =>
  String(Reflect.get(base.prototype, name) ?? 'gone');
const constructorOf = (base: object): string => /\n {4}constructor\(.*?\n {4}\}\n/s.exec(String(base))?.[0] ?? 'gone';

/** When one of these fails after an update: read what changed, see that `src/smtp/receive` still holds, then write the new digest. */
test.each([
  ['SMTPConnection', 'constructor', 'what connection.ts builds upon; calls _createParser', '7426212a1b45'],
  ['SMTPConnection', 'init', 'replaced: waits 100 ms', '1265a7d7ca8f'],
  ['SMTPConnection', 'send', 'replaced: replies are ours', 'c33568c0111a'],
  ['SMTPConnection', '_createParser', 'replaced: the reader is ours', '15ca8c360137'],
  ['SMTPConnection', '_armTimeout', 'replaced: deadlines are ours', 'b8bc04964752'],
  ['SMTPConnection', '_onClose', 'extended: closes the dialogue', '097b8d221da5'],
  ['SMTPConnection', '_setListeners', 'replaced: feeds the reader without a pipe', 'cf07ab6f47db'],
  ['SMTPConnection', 'close', 'used: half-close with a deadline', '4b80aaabd134'],
  ['SMTPConnection', '_onError', 'used: quiet errors of clients that leave', 'ddcc47e46ea9'],
  ['SMTPServer', 'constructor', 'used: accepts sockets', '3c0c6430d6ed'],
  ['SMTPServer', 'connect', 'replaced: makes our connection', '9818ea13a1c3'],
  ['SMTPServer', '_handleProxy', 'replaced: the PROXY header is ours', 'b52456c48b04'],
  ['SMTPServer', '_acceptSocket', 'used', 'f4c69396f94c'],
  ['SMTPServer', '_setListeners', 'used: errors of the listener become ours', '39220ba3884c'],
  ['SMTPStream', 'constructor', 'used: calls _flushData on finish', 'fe17a4deaee7'],
  ['SMTPStream', '_write', 'replaced: lines and data are cut by the reader', 'a72635ce53e2'],
  ['SMTPStream', '_flushData', 'replaced: half a command is no command', '84553453dd02'],
] as const)('%s.%s: %s', (className, name, about, known) => {
  const base = { SMTPServer, SMTPConnection, SMTPStream }[className];
  const text = name === 'constructor' ? constructorOf(base) : method(base, name);
  expect({ about, digest: digest(text) }).toEqual({ about, digest: known });
});

test('no name of ours hides one of the base class', () => {
  const base = new SMTPConnection(new SMTPServer({ logger: false, hideSTARTTLS: true }), new Socket());
  const names = Object.getOwnPropertyNames(Connection.prototype);
  expect(names).toContain('startTls');
  expect(names.filter((name) => Object.hasOwn(base, name))).toEqual([]);
});

test('nothing waits for a timer before the greeting', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
  const world = await receiving();
  try {
    expect(await (await world.client()).reply()).toBe('220 mx.example.com ESMTP Postern');
  } finally {
    vi.useRealTimers();
    await world.end();
  }
});
