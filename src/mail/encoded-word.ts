/** Encoded words (RFC 2047): how header text beyond ASCII is written, turned back into text. */
import { base64Octets } from './base64.ts';

/** RFC 2047 encoded words decoded; what cannot be decoded stays as it is. */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return value;
  let text = '';
  let plainFrom = 0;
  let run: Run | undefined;
  for (const match of value.matchAll(ENCODED_WORD)) {
    const gap = value.slice(plainFrom, match.index);
    const word = readWord(match);
    if (word === undefined) continue;
    plainFrom = match.index + match[0].length;
    // White space between two encoded words is not shown (RFC 2047 §6.2).
    if (run !== undefined && /^[ \t\r\n]*$/.test(gap)) {
      if (run.charset === word.charset) {
        // Some writers cut a character in two: words of one charset are decoded together.
        run.octets.push(...word.octets);
        run.source += gap + match[0];
        continue;
      }
      text += decodeRun(run);
    } else text += (run === undefined ? '' : decodeRun(run)) + gap;
    run = { ...word, source: match[0] };
  }
  return text + (run === undefined ? '' : decodeRun(run)) + value.slice(plainFrom);
}

/** A charset, perhaps with a language (RFC 2231 §5), an encoding and the encoded text. Blanks in it are wrong and common. */
const ENCODED_WORD = /=\?([A-Za-z0-9._:+-]+)(?:\*[A-Za-z0-9-]*)?\?([BbQq])\?([^?\r\n]*)\?=/g;

interface Word {
  readonly charset: string;
  readonly octets: number[];
}
interface Run extends Word {
  source: string;
}

function readWord(match: RegExpMatchArray): Word | undefined {
  const octets = match[2]!.toUpperCase() === 'B' ? base64Octets(match[3]!) : quotedOctets(match[3]!);
  return octets && { charset: match[1]!.toLowerCase(), octets };
}

/** The encoding Q (RFC 2047 §4.2). */
function quotedOctets(text: string): number[] | undefined {
  const octets: number[] = [];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 255) return undefined;
    if (text[index] === '_') octets.push(32);
    else if (text[index] === '=' && /^[0-9A-Fa-f]{2}$/.test(text.slice(index + 1, index + 3))) {
      octets.push(Number.parseInt(text.slice(index + 1, index + 3), 16));
      index += 2;
    } else octets.push(code);
  }
  return octets;
}

function decodeRun(run: Run): string {
  try {
    return new TextDecoder(run.charset, { fatal: true }).decode(Uint8Array.from(run.octets));
  } catch {
    // An unknown charset, or octets that are none of it: a person sees what was written.
    return run.source;
  }
}
