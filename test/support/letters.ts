/** Numbered messages that can be recognised, and seen to be whole, wherever they arrive. */

export interface Letter {
  /** Stands in its header and on its last line. */
  readonly mark: string;
  readonly recipients: readonly string[];
  /** Octets of its body. */
  readonly size: number;
}

/** CRLF lines without the final dot; no line of it begins with one. */
export function letterText({ mark, size }: Letter): string {
  const line = 'The quick brown fox jumps over the lazy dog, and over the queue.\r\n';
  const last = `end of ${mark}\r\n`;
  const body = line.repeat(Math.ceil(size / line.length)).slice(0, Math.max(0, size - last.length - 2));
  return [
    'From: <alice@sender.test>',
    'Date: Sun, 22 Nov 2026 10:00:00 +0000',
    `Subject: ${mark}`,
    `Message-ID: <${mark}@sender.test>`,
    `X-Letter: ${mark} ${size}`,
    '',
    `${body}\r\n${last}`,
  ].join('\r\n');
}

export const markOf = (messageId: string): string => messageId.replace(/^<|@sender\.test>$/g, '');

/** Which letter this is; `whole` when nothing of its body is missing or was added. */
export function readLetter(text: string): { readonly mark: string; readonly whole: boolean } {
  const [, mark = '', size = ''] = /^X-Letter: (\S+) (\d+)\r?$/m.exec(text) ?? [];
  const body = text.slice(text.search(/\r?\n\r?\n/)).replace(/^\r?\n\r?\n/, '');
  return { mark, whole: mark !== '' && body.length === Number(size) && body.endsWith(`end of ${mark}\r\n`) };
}
