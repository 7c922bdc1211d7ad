/** Which parts are messages, and which of them lie in the content encoded, or as a file: those are decoded and walked anew. */

/** Types of a part that is a message. */
export const MESSAGES: ReadonlySet<string> = new Set(['message/rfc822', 'message/global', 'message/news']);

interface Carrying {
  readonly type: string;
  /** Of the file's name: programs of mail open what ends so as a message, whatever its type. */
  readonly extension: string;
  readonly reading: 'base64' | 'quoted-printable' | 'identity';
}

export const isMessage = ({ type, extension }: Pick<Carrying, 'type' | 'extension'>): boolean =>
  MESSAGES.has(type) || extension === 'eml';

/** What lies in it has no octets of its own in the content. */
export const carriesMessage = ({ type, extension, reading }: Carrying): boolean =>
  MESSAGES.has(type) ? reading !== 'identity' : extension === 'eml';
