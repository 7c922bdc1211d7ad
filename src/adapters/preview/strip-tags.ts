/** The text of HTML with everything else dropped: nothing is rendered, fetched or believed; linear in what it reads. */
import { visibleText } from '../../mime/visible-text.ts';

/** What a person would read of it, blank space gathered, cut at `limit` characters. */
export const stripTags = (html: string, limit: number): string =>
  visibleText(html)
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n[ \n]*/g, '\n')
    .trim()
    .slice(0, limit);
