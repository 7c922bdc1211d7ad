/** A command's end of the control line. */
import { connect } from 'node:net';
import type { ControlAsk, ControlLine, Controlled } from '../../ports/control.ts';
import { ANSWER_OCTETS_MAX, ANSWER_WITHIN, controlSocket, type Spoken } from './protocol.ts';

export const controlLine = (store: string): ControlLine => ({
  ask: (what, signal) => ask(controlSocket(store), what, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN)])),
});

const ask = (path: string, what: ControlAsk, signal: AbortSignal): Promise<Controlled> =>
  new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let octets = 0;
    const line = connect(path);
    const done = (came: Controlled) => {
      signal.removeEventListener('abort', gaveUp);
      line.destroy();
      resolve(came);
    };
    const gaveUp = () =>
      done({ kind: 'refused', why: 'the gateway did not answer in time; its log says what it does' });
    if (signal.aborted) return gaveUp();
    signal.addEventListener('abort', gaveUp, { once: true });
    line.on('connect', () => line.write(`${JSON.stringify(what)}\n`));
    line.on('data', (piece: Buffer) => {
      octets += piece.length;
      pieces.push(piece);
      if (octets > ANSWER_OCTETS_MAX) done({ kind: 'refused', why: 'the gateway answered more than can be read' });
    });
    line.on('error', (error: NodeJS.ErrnoException) => done(whyNot(path, error)));
    line.on('end', () => done(read(Buffer.concat(pieces).toString('utf8'))));
  });

function whyNot(path: string, error: NodeJS.ErrnoException): Controlled {
  if (error.code === 'ENOENT') return { kind: 'stopped', why: `${path} is not there: no gateway runs on this store` };
  if (error.code === 'ECONNREFUSED')
    return { kind: 'stopped', why: `nobody listens at ${path}: the gateway has ended` };
  return { kind: 'refused', why: `${path}: ${error.message}` };
}

function read(text: string): Controlled {
  if (!text.endsWith('\n')) return { kind: 'refused', why: 'the gateway hung up before it had answered' };
  const spoken = JSON.parse(text) as Spoken;
  return 'answer' in spoken ? { kind: 'answered', answer: spoken.answer } : { kind: 'refused', why: spoken.refused };
}
