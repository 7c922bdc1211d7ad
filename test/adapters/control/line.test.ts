/** The control line: what is asked badly is answered or hung up on, and never in the way of others. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { controlLine } from '../../../src/adapters/control/client.ts';
import { serveControl } from '../../../src/adapters/control/server.ts';
import type { ControlAnswer, ControlAsk } from '../../../src/ports/control.ts';
import { rememberingLog, temporaryFolder } from '../../support/store-folder.ts';

const ANSWER = { problems: [], status: { pid: 42 } } as unknown as ControlAnswer;
const signal = AbortSignal.timeout(15_000);

async function served(answer: (ask: ControlAsk) => Promise<ControlAnswer> = async () => ANSWER) {
  const folder = temporaryFolder();
  // What a process that was killed leaves behind is in nobody's way.
  writeFileSync(join(folder, 'control.sock'), '');
  const log = rememberingLog();
  const close = await serveControl(folder, answer, log);
  onTestFinished(close);
  return { folder, line: controlLine(folder), log, close };
}

/** What comes back for octets written as they are. */
const spoken = (folder: string, text: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(join(folder, 'control.sock'));
    let said = '';
    socket.on('data', (piece) => {
      said += piece.toString();
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => resolve(said));
    socket.write(text);
  });

test('a question is answered, and several at once each their own', async () => {
  const asked: string[] = [];
  const { line } = await served(async (ask) => {
    asked.push(ask.verb);
    return ANSWER;
  });
  const came = await Promise.all(
    (['status', 'drain', 'undrain', 'reload', 'reload lists'] as const).map((verb) => line.ask({ verb }, signal)),
  );
  expect(came).toEqual(came.map(() => ({ kind: 'answered', answer: ANSWER })));
  expect(asked.sort()).toEqual(['drain', 'reload', 'reload lists', 'status', 'undrain']);
});

test.each([
  ['no JSON', 'reload\n', /^\{"refused":"a question is one JSON object/],
  ['an unknown verb', '{"verb":"stop"}\n', /^\{"refused":"the gateway does not know this question/],
  ['more than it should hold', '{"verb":"status","more":1}\n', /^\{"refused":/],
  [
    'an override without an end',
    '{"verb":"override","begin":{"kind":"rule","name":"a","policy":"","by":"x","why":"y"}}\n',
    /^\{"refused":/,
  ],
  [
    'an override for ever',
    '{"verb":"override","begin":{"kind":"rule","name":"a","policy":"","by":"x","why":"y","span":1e12}}\n',
    /^\{"refused":/,
  ],
  ['a line without end', 'x'.repeat(20_000), /^$/],
])('%s is refused, and the next question is answered', async (_, text, reply) => {
  const { folder, line } = await served();
  expect(await spoken(folder, text)).toMatch(reply);
  expect(await line.ask({ verb: 'status' }, signal)).toMatchObject({ kind: 'answered' });
});

test('a word that cannot be done is told; a fault of ours is told and in the log', async () => {
  const { line, log } = await served(async ({ verb }) => {
    throw verb === 'drain' ? new RangeError('not that') : new Error('broken');
  });
  expect(await line.ask({ verb: 'drain' }, signal)).toEqual({ kind: 'refused', why: 'not that' });
  expect(log.names).toEqual([]);
  expect(await line.ask({ verb: 'status' }, signal)).toEqual({ kind: 'refused', why: 'broken' });
  expect(log.names).toEqual(['control.failed']);
});

test('where nobody serves the client says so, whether a socket lies there or not', async () => {
  expect(await controlLine(temporaryFolder()).ask({ verb: 'status' }, signal)).toMatchObject({ kind: 'stopped' });
  const { line, close } = await served();
  await close();
  expect(await line.ask({ verb: 'status' }, signal)).toMatchObject({ kind: 'stopped' });
});
