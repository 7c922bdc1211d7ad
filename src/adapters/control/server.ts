/** The gateway's end of the control line: a socket in the store's folder that only its owner can open. */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import type { ControlAnswer, ControlAsk } from '../../ports/control.ts';
import type { Log } from '../../ports/log.ts';
import { ASK, ASK_OCTETS_MAX, ASK_WITHIN, controlSocket, SOCKET_PATH_MAX, type Spoken } from './protocol.ts';

/** Commands served at once: a person types them. */
const LINES_MAX = 16;

/** Whoever holds the store's lock may call it: a socket that lies there is a dead one's. Answers how to close it. */
export async function serveControl(
  store: string,
  answer: (ask: ControlAsk) => Promise<ControlAnswer>,
  log: Log,
): Promise<() => Promise<void>> {
  const path = controlSocket(store);
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX) {
    const why = `${path} is longer than ${SOCKET_PATH_MAX} octets, which no socket may be called`;
    log.error('control.unavailable', { why, remedy: 'give store.path a shorter name; signals still reload' });
    return async () => {};
  }
  const lines = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (line) => {
    lines.add(line);
    line.on('close', () => lines.delete(line));
    line.on('error', () => {}); // whoever asked has gone; what was asked is done all the same
    void serve(line, answer, log);
  });
  server.maxConnections = LINES_MAX;
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  server.on('error', (error) => log.error('control.failed', { error: String(error) }));
  // The folder is its owner's alone from the start; this is for a folder somebody opened.
  chmodSync(path, 0o600);
  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const line of lines) line.destroy();
    await closed;
  };
}

async function serve(line: Socket, answer: (ask: ControlAsk) => Promise<ControlAnswer>, log: Log): Promise<void> {
  const late = setTimeout(() => line.destroy(), ASK_WITHIN);
  const text = await firstLine(line);
  clearTimeout(late);
  if (text === undefined) return void line.destroy();
  const spoken = await spokenFor(text, answer, log);
  if (!line.destroyed) line.end(`${JSON.stringify(spoken)}\n`);
}

async function spokenFor(text: string, answer: (ask: ControlAsk) => Promise<ControlAnswer>, log: Log): Promise<Spoken> {
  try {
    const ask = ASK.safeParse(JSON.parse(text));
    if (!ask.success) return { refused: `the gateway does not know this question: ${ask.error.issues[0]?.message}` };
    return { answer: await answer(ask.data) };
  } catch (error) {
    if (error instanceof SyntaxError) return { refused: 'a question is one JSON object on a line' };
    // What a person's word cannot do is a RangeError and meant for him; all else is a fault of ours, which the log has too.
    if (!(error instanceof RangeError)) log.error('control.failed', { error: String(error) });
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

/** Undefined where the line ended, or went on too long, before a line break came. */
function firstLine(line: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    line.setEncoding('utf8');
    line.on('data', (piece: string) => {
      text += piece;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > ASK_OCTETS_MAX) resolve(undefined);
    });
    line.on('end', () => resolve(undefined));
    line.on('close', () => resolve(undefined));
  });
}
