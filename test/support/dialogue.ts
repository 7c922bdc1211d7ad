/**
 * Reads a dialogue: a conversation as it goes over the wire, one file one test.
 *
 * `C:` a line of the client, sent with CR LF; `C|` octets sent as they stand; `S:` a reply line (`*` stands for anything);
 * `S: (closed)`; `M|` a message as the decider got it; `R:` a reason put on record; `#` a remark. Escapes: \r \n \0 \\ \xHH.
 */
export type Turn =
  | { readonly kind: 'client'; readonly segments: readonly string[] }
  | { readonly kind: 'server'; readonly lines: readonly string[] };

export interface Dialogue {
  /** The remark it opens with. */
  readonly about: string;
  /** `# newline: normalize` and the like. */
  readonly options: { readonly [name: string]: string };
  readonly turns: readonly Turn[];
  readonly messages: readonly string[];
  readonly reasons: readonly string[];
}

export function readDialogue(text: string): Dialogue {
  const turns: ({ kind: 'client'; segments: string[] } | { kind: 'server'; lines: string[] })[] = [];
  const messages: string[] = [];
  const reasons: string[] = [];
  const options: { [name: string]: string } = {};
  let about = '';
  const client = (segment: string) => {
    const last = turns.at(-1);
    if (last?.kind === 'client') last.segments.push(segment);
    else turns.push({ kind: 'client', segments: [segment] });
  };
  const server = (line: string) => {
    const last = turns.at(-1);
    if (last?.kind === 'server') last.lines.push(line);
    else turns.push({ kind: 'server', lines: [line] });
  };
  for (const [index, line] of text.split('\n').entries()) {
    const mark = line.slice(0, 2);
    const rest = line.slice(3);
    const option = /^# (\w+): (.*)$/.exec(line);
    if (line === '') continue;
    else if (option !== null) options[option[1]!] = option[2]!;
    else if (line.startsWith('#')) about ||= line.slice(2);
    else if (mark === 'C:') client(`${unescaped(rest)}\r\n`);
    else if (mark === 'C|') client(unescaped(rest));
    else if (mark === 'S:') server(rest);
    else if (mark === 'M|') messages.push(unescaped(rest));
    else if (mark === 'R:') reasons.push(rest);
    else
      throw new SyntaxError(
        `Cannot read dialogue line ${index + 1} as it must begin with C: C| S: M| R: or #: ${line}`,
      );
  }
  return { about, options, turns, messages, reasons };
}

export const matches = (pattern: string, line: string): boolean =>
  new RegExp(`^${pattern.split('*').map(literally).join('.*')}$`).test(line);

const LETTERS: { readonly [letter: string]: string } = { r: '\r', n: '\n', '0': '\0', '\\': '\\' };

const unescaped = (text: string): string =>
  text.replace(/\\(?:x([0-9a-f]{2})|([rn0\\]))/g, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? LETTERS[letter]! : String.fromCharCode(Number.parseInt(hex, 16)),
  );

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
