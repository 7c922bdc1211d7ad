/** What a recipient with a link sees: small pages without scripts, pictures or anything from elsewhere. Escaped here, at the border. */
import { createHash } from 'node:crypto';
import { escapeHtml } from '../../mail/html.ts';
import type { HeldView, Looked, Released } from '../../ports/release-desk.ts';

export interface Page {
  readonly status: number;
  readonly html: string;
}

const STYLE =
  'body{font:16px/1.5 sans-serif;max-width:40em;margin:3em auto;padding:0 1em}dt{color:#555}dd{margin:0 0 .6em;overflow-wrap:anywhere}button{font:inherit;padding:.4em 1.2em}';

/** Beside each page: it stands alone, in no frame, and tells nobody where its reader came from. */
export const PAGE_HEADERS: { readonly [name: string]: string } = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
};

export function lookedPage(looked: Looked): Page {
  return looked.kind === 'held' ? page(200, 'Release this message?', askText(looked.view)) : endPage(looked);
}

export function releasedPage(released: Released): Page {
  if (released.kind === 'released') return page(200, 'Released', '<p>The message is on its way to you.</p>');
  if (released.kind === 'refused')
    return page(403, 'Still held', `<p>The message was not released: ${escapeHtml(released.why)}.</p>`);
  return endPage(released);
}

function endPage(looked: Exclude<Looked, { readonly kind: 'held' }>): Page {
  if (looked.kind === 'gone') return GONE;
  return looked.kind === 'denied' ? DENIED : NO_LINK;
}

const page = (status: number, title: string, body: string): Page => ({
  status,
  html: `<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head><body><h1>${title}</h1>\n${body}\n</body></html>\n`,
});

/** One page for whatever is no link of ours, altered, or over. */
const NO_LINK = page(
  404,
  'This link does not hold',
  '<p>Its time is over, or it did not arrive here whole. A newer mail may have a newer one.</p>',
);
const GONE = page(
  410,
  'No longer held',
  '<p>The message is not here any more: it was released already, or deleted in its time.</p>',
);
const DENIED = page(
  403,
  'Not yours to release',
  '<p>This message can only be released by an operator: please ask one.</p>',
);
export const NOT_HERE = page(404, 'Nothing here', '<p>There is no such page.</p>');
export const TOO_MANY = page(429, 'Too many requests', '<p>Please wait a minute and try again.</p>');
export const NOT_NOW = page(503, 'Not now', '<p>This cannot be answered now. Please try again in a few minutes.</p>');
export const NOT_UNDERSTOOD = page(400, 'Not understood', '<p>Please use the button of the page.</p>');

/** No action: the form goes where its page came from, whatever path a proxy gave it. */
const askText = ({ recipient, from, subject, held, why }: HeldView): string =>
  `<dl><dt>For</dt><dd>${escapeHtml(recipient)}</dd><dt>From</dt><dd>${escapeHtml(from || '(nobody)')}</dd>` +
  `<dt>Subject</dt><dd>${escapeHtml(subject || '(none)')}</dd><dt>Held</dt><dd>${escapeHtml(held)}</dd>` +
  `<dt>Why</dt><dd>${escapeHtml(why)}</dd></dl>\n` +
  '<p>Release it only if you expected it. Nothing in it was opened to show this page.</p>\n' +
  '<form method="post"><button name="confirm" value="release">Release</button></form>';
