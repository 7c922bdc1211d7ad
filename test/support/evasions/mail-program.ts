/** mailparser in the place of a mail program: what its user could open. */
import { simpleParser } from 'mailparser';
import { dig } from './dig.ts';
import type { Evasion } from './evasions.ts';

/** Texts and attachments as it hands them on, archives among them unpacked: is the test file there? */
export async function opens({ octets }: Evasion): Promise<boolean> {
  const letter = await simpleParser(octets).catch(() => undefined); // too many parts, too deep
  const texts = [letter?.text ?? '', letter?.html || ''].map((text) => Buffer.from(text));
  const files = letter?.attachments.map(({ content }) => Buffer.from(content)) ?? [];
  return [...texts, ...files].some((file) => dig(file) !== undefined);
}
