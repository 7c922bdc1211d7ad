/** The text of a digest: what was held for one recipient since the last one, and how to have it. Pure. */
import { mailDate } from '../../mail/date.ts';
import { escapeHtml } from '../../mail/html.ts';
import { quotedPrintable } from '../../mail/quoted-printable.ts';
import type { Timestamp } from '../../mail/time.ts';
import type { HeldClass } from '../../queue/held-class.ts';
import type { Glance } from './glance.ts';
import { sayTime } from './schedule.ts';

export interface DigestItem extends Glance {
  /** Where it is released; '' where that is not for its recipient. */
  readonly link: string;
}

export interface DigestParts {
  readonly id: string;
  /** Ours. */
  readonly hostname: string;
  /** In whose name, and whom to ask. */
  readonly from: string;
  readonly to: string;
  readonly at: Timestamp;
  readonly timeZone: string;
  /** Until when the links hold. */
  readonly expires: Timestamp;
  /** At least one. */
  readonly items: readonly DigestItem[];
  /** Of the same kinds, and not listed: a mail has an end. */
  readonly more: number;
  /** Of kinds that are not listed, by class. */
  readonly others: ReadonlyMap<HeldClass, number>;
}

/**
 * The whole message, CRLF lines, seven-bit but for an address that is not. No `List-Id` and no `Precedence`: it is no list,
 * and `Auto-Submitted` with the null reverse-path says all that a responder may know (RFC 3834 §2, §5).
 */
export function composeDigest(parts: DigestParts): Uint8Array {
  const { id, hostname, from, to, at } = parts;
  const boundary = `=_${id}_${hostname}`; // `=_` stands nowhere in quoted-printable (RFC 2045 §6.7)
  const alternatives = [
    ['plain', plainText(parts)],
    ['html', htmlText(parts)],
  ] as const;
  return Buffer.from(
    [
      `Received: by ${hostname} (Postern) id ${id};\r\n\t${mailDate(at)}`,
      `From: "Mail gateway ${hostname}" <${from}>`,
      `To: <${to}>`,
      `Subject: ${headline(parts)}`,
      `Date: ${mailDate(at)}`,
      `Message-ID: <${id}@${hostname}>`,
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
      `Content-Type: multipart/alternative;\r\n\tboundary="${boundary}"`,
      '',
      ...alternatives.flatMap(([kind, text]) => [
        `--${boundary}`,
        `Content-Type: text/${kind}; charset=utf-8`,
        'Content-Transfer-Encoding: quoted-printable',
        '',
        quotedPrintable(text),
      ]),
      `--${boundary}--`,
      '',
    ].join('\r\n'),
  );
}

/** Nothing from outside: subjects are where filters and people look first. */
function headline({ items, more }: Pick<DigestParts, 'items' | 'more'>): string {
  const held = items.length + more;
  return held === 1 ? 'One message was held for you' : `${held} messages were held for you`;
}

export function plainText(parts: DigestParts): string {
  const { items, to, hostname } = parts;
  return [
    `${headline(parts)}: ${hostname} did not deliver to <${to}>`,
    '',
    ...items.flatMap((item, n) => [
      `${n + 1}. From:    ${item.from || '(nobody)'}`,
      `   Subject: ${item.subject || '(none)'}`,
      `   Held:    ${held(item, parts)}`,
      ...(item.link === '' ? [] : [`   Release: ${item.link}`]),
      '',
    ]),
    ...closing(parts).flatMap((line) => [line, '']),
  ].join('\n');
}

function htmlText(parts: DigestParts): string {
  const { items, to, hostname } = parts;
  const rows = items.map(
    (item) =>
      `<tr><td>${escapeHtml(item.from || '(nobody)')}<br><b>${escapeHtml(item.subject || '(none)')}</b><br>` +
      `<small>${escapeHtml(held(item, parts))}</small></td>\n<td>${
        item.link === '' ? '' : `<a href="${escapeHtml(item.link)}" rel="noreferrer">Release</a>`
      }</td></tr>\n`,
  );
  return (
    `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>${headline(parts)}</title></head><body>\n` +
    `<p>${headline(parts)}: ${escapeHtml(hostname)} did not deliver to ${escapeHtml(to)}</p>\n` +
    `<table border="1" cellpadding="6" cellspacing="0">\n${rows.join('')}</table>\n` +
    closing(parts)
      .map((line) => `<p>${escapeHtml(line)}</p>\n`)
      .join('') +
    '</body></html>\n'
  );
}

const held = ({ at, class: kind, reason }: DigestItem, { timeZone }: DigestParts): string =>
  `${sayTime(at, timeZone)}, ${kind}${reason === '' ? '' : `: ${reason}`}`;

function closing(parts: DigestParts): readonly string[] {
  const { items, more, others, expires, timeZone, from, hostname, id } = parts;
  const sum = [...others.values()].reduce((all, n) => all + n, 0);
  const linked = items.some(({ link }) => link !== '');
  const unlinked = items.some(({ link }) => link === '');
  return [
    ...(unlinked ? [`What has no link you cannot release yourself: ask ${from}.`] : []),
    ...(more === 0 ? [] : [`And ${more} more, which are not listed here: ask ${from}.`]),
    ...(sum === 0
      ? []
      : [
          `${sum === 1 ? 'One other was' : `${sum} others were`} held that you cannot release yourself (${[...others]
            .map(([kind, n]) => `${n} ${kind}`)
            .join(', ')}): ask ${from}.`,
        ]),
    ...(linked
      ? [
          'A link opens a page that shows the message and asks; nothing is released before you say so there. ' +
            `It holds until ${sayTime(expires, timeZone)} and for one release. Whoever has it may use it: do not pass this mail on.`,
        ]
      : []),
    'What you do not want needs nothing done: it is deleted in its time.',
    `(${hostname}, ref ${id})`,
  ];
}
