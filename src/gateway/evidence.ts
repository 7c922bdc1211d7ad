/** A resolver that keeps what it was asked and told: each question once a ledger, referred to by every check that asked it. */
import type { DnsAnswer, DnsRecord, DnsType, Resolver } from '../ports/resolver.ts';
import type { DnsEvidence } from '../record/record.ts';

interface Page {
  readonly answer: Promise<DnsAnswer>;
  evidence: DnsEvidence | undefined;
}

/** How many DNS questions may still be asked (`limits.dns_questions`): what a stranger's records may make us ask is bounded. */
export class Questions {
  #left: number;
  constructor(most: number) {
    this.#left = most;
  }
  take(): boolean {
    return --this.#left >= 0;
  }
}

/** Evidence of one scope: a question asked again is told again from here, so that one transaction sees one world. */
export class DnsNotebook {
  readonly #parent: DnsNotebook | undefined;
  readonly #questions: Questions;
  readonly #pages = new Map<string, Page>();

  constructor(parent?: DnsNotebook, questions?: Questions) {
    this.#parent = parent;
    const above = parent === undefined ? new Questions(Number.POSITIVE_INFINITY) : parent.#questions;
    this.#questions = questions ?? above;
  }

  /** A resolver for one check, which notes in `asked` what it was told. */
  resolver(under: Resolver, asked: DnsEvidence[]): Resolver {
    return {
      resolve: async (name, type, signal) => {
        const key = `${type} ${name.toLowerCase()}`;
        const known = this.#find(key);
        const page: Page = known ?? { answer: this.#ask(under, name, type, signal), evidence: undefined };
        if (known === undefined) this.#pages.set(key, page);
        const answer = await page.answer;
        // An answer cut short by one check's deadline must not stand for another's question.
        if (answer.kind === 'failed' && answer.cause === 'cancelled') this.#pages.delete(key);
        page.evidence ??= toEvidence(answer, name, type);
        if (!asked.includes(page.evidence)) asked.push(page.evidence);
        return answer;
      },
    };
  }

  #ask(under: Resolver, name: string, type: DnsType, signal: AbortSignal): Promise<DnsAnswer> {
    if (this.#questions.take()) return under.resolve(name, type, signal);
    const basis = { name: name.toLowerCase(), type, cached: false, ttl: 0, secure: false, server: '' };
    return Promise.resolve({ ...basis, kind: 'failed', rcode: '', cause: 'limit' });
  }

  #find(key: string): Page | undefined {
    const page = this.#pages.get(key);
    return page !== undefined || this.#parent === undefined ? page : this.#parent.#find(key);
  }
}

function toEvidence(answer: DnsAnswer, name: string, type: DnsType): DnsEvidence {
  return {
    name,
    type,
    rcode: answer.rcode,
    kind: answer.kind,
    answer:
      answer.kind === 'found' ? answer.records.map(sayRecord) : [answer.kind === 'empty' ? answer.why : answer.cause],
    ttl: answer.ttl,
    cached: answer.cached,
    secure: answer.secure,
    server: answer.server,
  };
}

/** A record's data as one would write it in a zone. */
function sayRecord(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address;
    case 'MX':
      return `${record.preference} ${record.exchange === '' ? '.' : record.exchange}`;
    case 'TXT':
      return record.text;
    case 'PTR':
    case 'CNAME':
    case 'NS':
      return record.name;
    case 'TLSA':
      return `${record.usage} ${record.selector} ${record.matching} ${record.data}`;
    case 'SOA':
      return `minimum ${record.minimum}`;
  }
}
