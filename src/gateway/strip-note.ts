/** What stands in the place of an attachment that was removed: what it was, why it is gone, and how to ask for it. */
import { quotedPrintable } from '../mail/quoted-printable.ts';
import { clean } from '../mail/reply.ts';
import type { Part } from '../mime/inside.ts';
import type { Strip } from '../policy/disposition.ts';

/** How a part that is plain text of ours says so; ASCII whatever stands in it, so that any BODY stays true. */
export const NOTE_FIELDS = [
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  'Content-Disposition: inline',
] as const;

export interface NoteWords {
  readonly hostname: string;
  /** Of the record. */
  readonly id: string;
  /** Whom to ask. */
  readonly contact: string;
}

export function noteText(part: Part, { note, keep, by }: Strip, { hostname, id, contact }: NoteWords): string {
  const looks = part.detected === '' || part.detected === part.type ? '' : ` (looks like ${shown(part.detected)})`;
  const lines = [
    `An attachment was removed here by ${hostname}.`,
    '',
    ...(note === '' ? [] : [note, '']),
    `Name:     ${part.name === '' ? 'none' : shown(part.name)}`,
    `Type:     ${shown(part.type)}${looks}`,
    `Size:     ${part.size} octets`,
    `SHA-256:  ${part.sha256}`,
    `Rule:     ${by.replace(/^rule:/, '')}`,
    `Message:  ${id}`,
    '',
    keep
      ? `The message as it came is kept for a while. To ask for it, write to ${contact} and name the message above.`
      : `It was not kept. Questions: ${contact}; name the message above.`,
    '',
  ];
  return quotedPrintable(lines.join('\n'));
}

const SHOWN_MAX = 200; // characters of a name from outside: what fits two lines

/** Control characters and those that turn the direction of writing are shown by their codes. */
export const shown = (text: string): string => clean(text, SHOWN_MAX);
