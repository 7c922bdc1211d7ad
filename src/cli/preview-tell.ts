/** A preview as a person reads it: each line set off, so that no message can pass its own lines off as ours. */
import type { Preview } from '../ports/preview.ts';
import { terminal } from '../record/terminal.ts';

/** Lines of text; the rest is counted. */
const LINES_MAX = 1000;
/** Longer lines are folded, not cut: a person may have to read them. */
const WIDTH = 500;

export function tellPreview(preview: Preview): string {
  const { headers, attachments, attachmentsMore, readTo } = preview;
  const lines = preview.text.split(/\r?\n/).flatMap((line) => line.match(FOLDED) ?? ['']);
  const left = lines.length - LINES_MAX;
  return terminal([
    ...headers.map(({ name, value }) => `  ${name}: ${value}`),
    `  ${FROM[preview.textFrom]}`,
    ...(preview.textFrom === 'none' ? [] : lines.slice(0, LINES_MAX).map((line) => `  | ${line}`)),
    ...(left > 0 ? [`  and ${left} more lines`] : []),
    ...(preview.textCut ? ['  and more text, which is not shown'] : []),
    ...attachments.map(
      ({ name, type, size, sha256 }) => `  attachment "${name}"  ${type}  ${size} octets  sha256 ${sha256}`,
    ),
    ...(attachmentsMore > 0 ? [`  and ${attachmentsMore} more attachments`] : []),
    ...(Number.isFinite(readTo) ? [`  read to octet ${readTo}: what lies beyond is not shown`] : []),
    '',
  ]);
}

const FOLDED = new RegExp(`.{1,${WIDTH}}`, 'gsu');

const FROM: { readonly [from in Preview['textFrom']]: string } = {
  plain: 'text, as its plain part has it:',
  html: 'text of its HTML, all else dropped:',
  none: 'no text',
};

/** As other programs read it. */
export const previewView = ({ kind: _kind, textFrom, textCut, attachmentsMore, readTo, ...rest }: Preview): object => ({
  ...rest,
  text_from: textFrom,
  text_cut: textCut,
  attachments_more: attachmentsMore,
  /** null: it was read whole. */
  read_to: Number.isFinite(readTo) ? readTo : null,
});
