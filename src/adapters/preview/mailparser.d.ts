/** What previews use of mailparser, which brings no types. */
declare module 'mailparser' {
  import type { Readable, Writable } from 'node:stream';

  export interface MailParserOptions {
    readonly skipHtmlToText: true;
    readonly skipTextToHtml: true;
    readonly skipTextLinks: true;
    readonly skipImageLinks: true;
    readonly checksumAlgo: 'sha256';
  }

  export type MailParserData =
    | { readonly type: 'text'; readonly text?: string; readonly html?: string | false }
    | {
        readonly type: 'attachment';
        readonly filename?: string | false;
        readonly contentType?: string;
        readonly content: Readable;
        /** Set when `content` has ended. */
        readonly size?: number;
        readonly checksum?: string;
        release(): void;
      };

  export class MailParser extends (class {} as { new (): Writable & Readable }) {
    constructor(options: MailParserOptions);
  }
}
