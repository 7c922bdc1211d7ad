/** The thread a preview is made in: it parses what may be hostile, with little memory and no time, and is ended after one message. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { MailParser, type MailParserData } from 'mailparser';
import type { Preview, PreviewedAttachment } from '../../ports/preview.ts';
import type { FromThread, ToThread } from './preview-words.ts';
import { stripTags } from './strip-tags.ts';

const TEXT_MAX = 64 * 1024; // characters: more than a person reads before they decide
const HTML_MAX = 1024 * 1024; // read for its text
const ATTACHMENTS_MAX = 100;
const NAME_MAX = 1000; // characters of a name, a type, a header field
const SAME_MAX = 5; // fields of one name

const SHOWN = ['From', 'To', 'Cc', 'Reply-To', 'Subject', 'Date'];

function serve(port: MessagePort): void {
  const tell = (word: FromThread): void => port.postMessage(word);
  // Conversions off: they cost seconds on hostile input, and nobody needs links here.
  const parser = new MailParser({
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipTextLinks: true,
    skipImageLinks: true,
    checksumAlgo: 'sha256',
  });
  let headers: Preview['headers'] = [];
  let text: Pick<Preview, 'text' | 'textFrom' | 'textCut'> = { text: '', textFrom: 'none', textCut: false };
  const attachments: PreviewedAttachment[] = [];
  let attachmentsMore = 0;

  parser.on('headers', (found: ReadonlyMap<string, unknown>) => {
    headers = SHOWN.flatMap((name) => valuesOf(found.get(name.toLowerCase())).map((value) => ({ name, value })));
  });
  parser.on('data', (data: MailParserData) => {
    if (data.type === 'text') {
      text = textOf(data.text, data.html);
      return;
    }
    data.content.on('data', () => {}); // hashed and counted on its way
    data.content.on('end', () => {
      if (attachments.length < ATTACHMENTS_MAX) attachments.push(attachmentOf(data));
      else attachmentsMore += 1;
      data.release();
    });
  });
  parser.on('error', (error: Error) => tell({ failed: error.message.slice(0, NAME_MAX) }));
  parser.on('end', () => tell({ preview: { kind: 'shown', headers, ...text, attachments, attachmentsMore } }));

  port.on('message', (word: ToThread) => {
    if ('end' in word) parser.end();
    else if (parser.write(word.octets)) tell({ more: true });
    else parser.once('drain', () => tell({ more: true }));
  });
  tell({ more: true });
}

function textOf(
  plain: string | undefined,
  html: string | false | undefined,
): Pick<Preview, 'text' | 'textFrom' | 'textCut'> {
  if (plain !== undefined && plain.trim() !== '')
    return { text: plain.slice(0, TEXT_MAX), textFrom: 'plain', textCut: plain.length > TEXT_MAX };
  if (html === undefined || html === false || html === '') return { text: '', textFrom: 'none', textCut: false };
  const text = stripTags(html.slice(0, HTML_MAX), TEXT_MAX);
  return { text, textFrom: 'html', textCut: html.length > HTML_MAX || text.length === TEXT_MAX };
}

const attachmentOf = (data: Extract<MailParserData, { type: 'attachment' }>): PreviewedAttachment => ({
  name: (data.filename || '').slice(0, NAME_MAX),
  type: (data.contentType ?? '').slice(0, NAME_MAX),
  size: data.size ?? 0,
  sha256: data.checksum ?? '',
});

/** mailparser reads addresses into objects with their `text`, and dates into dates. */
function valuesOf(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.slice(0, SAME_MAX).flatMap(valuesOf);
  if (value instanceof Date) return [Number.isNaN(value.getTime()) ? 'not a date' : value.toISOString()];
  if (typeof value === 'object') return valuesOf((value as { readonly text?: unknown }).text);
  return [String(value).slice(0, NAME_MAX)];
}

serve(parentPort!);
