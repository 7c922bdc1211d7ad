/** What a host says it can do, in its reply to EHLO or LHLO (RFC 5321 §4.1.1.1). */

export interface Capabilities {
  readonly pipelining: boolean;
  readonly size: boolean;
  /** Octets; 0 when the host names no limit (RFC 1870 §4). */
  readonly sizeLimit: number;
  readonly eightBit: boolean;
  readonly utf8: boolean;
  readonly dsn: boolean;
  readonly startTls: boolean;
  readonly authPlain: boolean;
}

/** After HELO, nothing may be assumed. */
export const NO_CAPABILITIES: Capabilities = {
  pipelining: false,
  size: false,
  sizeLimit: 0,
  eightBit: false,
  utf8: false,
  dsn: false,
  startTls: false,
  authPlain: false,
};

export function capabilitiesOf(lines: readonly string[]): Capabilities {
  const keywords = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const [keyword = '', ...rest] = line.slice(4).trim().split(/\s+/);
    keywords.set(keyword.toUpperCase(), rest.join(' ').toUpperCase());
  }
  const limit = Number(keywords.get('SIZE') ?? 0);
  return {
    pipelining: keywords.has('PIPELINING'),
    size: keywords.has('SIZE'),
    sizeLimit: Number.isSafeInteger(limit) ? limit : 0,
    eightBit: keywords.has('8BITMIME'),
    utf8: keywords.has('SMTPUTF8'),
    dsn: keywords.has('DSN'),
    startTls: keywords.has('STARTTLS'),
    authPlain: (keywords.get('AUTH') ?? '').split(' ').includes('PLAIN'),
  };
}
