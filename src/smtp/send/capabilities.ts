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
  /** RFC 8689. */
  readonly requireTls: boolean;
  /** BDAT (RFC 3030). */
  readonly chunking: boolean;
  readonly limits: OfferedLimits;
}

/** What a host will bear in one session (RFC 9422 §4); infinite where it names no number. */
export interface OfferedLimits {
  /** MAIL commands in the session, refused ones too. */
  readonly mail: number;
  /** RCPT commands in one transaction. */
  readonly rcpt: number;
  /** Different domains of recipients in the session. */
  readonly rcptDomains: number;
}

const NO_LIMITS: OfferedLimits = {
  mail: Number.POSITIVE_INFINITY,
  rcpt: Number.POSITIVE_INFINITY,
  rcptDomains: Number.POSITIVE_INFINITY,
};

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
  requireTls: false,
  chunking: false,
  limits: NO_LIMITS,
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
    requireTls: keywords.has('REQUIRETLS'),
    chunking: keywords.has('CHUNKING'),
    limits: limitsOf(keywords.get('LIMITS') ?? ''),
  };
}

/** `MAILMAX=100 RCPTMAX=50`. What is unknown or no number is passed over (RFC 9422 §3); nobody can live with a limit of none. */
function limitsOf(text: string): OfferedLimits {
  const said = new Map(text.split(' ').map((one) => [one.split('=', 1)[0], one.slice(one.indexOf('=') + 1)]));
  const most = (name: string): number => {
    const value = said.get(name) ?? '';
    return /^[1-9]\d{0,5}$/.test(value) ? Number(value) : Number.POSITIVE_INFINITY;
  };
  return { mail: most('MAILMAX'), rcpt: most('RCPTMAX'), rcptDomains: most('RCPTDOMAINMAX') };
}
