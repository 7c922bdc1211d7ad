/** A password from a person's terminal, which does not show it, or from a pipe. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

export async function askSecret(words: string, signal: AbortSignal): Promise<string> {
  const { stdin, stderr } = process;
  const terminal = stdin.isTTY === true;
  // What is typed goes nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output, terminal });
  const next = (ask: string): Promise<string> => {
    if (terminal) stderr.write(ask);
    return new Promise<string>((resolve, reject) => {
      const gone = (): void => reject(new Error('no password was given'));
      lines.once('close', gone);
      lines.once('line', (line) => {
        lines.off('close', gone);
        if (terminal) stderr.write('\n');
        resolve(line);
      });
    });
  };
  lines.once('SIGINT', () => lines.close());
  signal.addEventListener('abort', () => lines.close(), { once: true });
  try {
    const first = await next(words);
    if (terminal && first !== (await next('once more: '))) throw new Error('the two differ: nothing was changed');
    return first;
  } finally {
    lines.close();
  }
}
