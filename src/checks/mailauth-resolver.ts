/** Our resolver as mailauth asks for one: answers as `dns.promises.resolve` gives them, errors with its codes. */
import { questionName } from '../mail/dns-name.ts';
import type { DnsAnswer, DnsRecord, DnsType, Resolver } from '../ports/resolver.ts';

export interface MailauthResolver {
  readonly resolve: (name: string, type: string) => Promise<unknown[]>;
  /** The names whose question failed: trouble that mailauth does not always tell from an answer. */
  readonly failed: ReadonlySet<string>;
}

/** Asks each question once; made for one run of one check. */
export function mailauthResolver(resolver: Resolver, signal: AbortSignal): MailauthResolver {
  const asked = new Map<string, Promise<DnsAnswer>>();
  const failed = new Set<string>();
  const ask = (name: string, type: DnsType): Promise<DnsAnswer> => {
    const key = `${type} ${name}`;
    const answer = asked.get(key) ?? resolver.resolve(name, type, signal);
    asked.set(key, answer);
    return answer;
  };
  const resolve = async (name: string, type: string): Promise<unknown[]> => {
    const question = questionName(name);
    // A name that DNS cannot carry is no trouble of DNS: nobody can publish anything there.
    if (question === undefined || question === '') throw dnsError('EBADNAME', `"${name}" cannot be a name`);
    const answer = await ask(question, asDnsType(type));
    switch (answer.kind) {
      case 'found':
        return answer.records.map(asNode);
      case 'empty':
        throw dnsError(answer.why === 'noSuchName' ? 'ENOTFOUND' : 'ENODATA', `${type} ${question}: ${answer.rcode}`);
      case 'failed':
        failed.add(question);
        throw dnsError(ERROR_CODES[answer.cause], `${type} ${question}: ${answer.cause}`);
    }
  };
  return { resolve, failed };
}

const ERROR_CODES: { readonly [cause in Extract<DnsAnswer, { kind: 'failed' }>['cause']]: string } = {
  timeout: 'ETIMEOUT',
  servfail: 'ESERVFAIL',
  refused: 'EREFUSED',
  malformed: 'EBADRESP',
  unreachable: 'ECONNREFUSED',
  limit: 'ESERVFAIL',
  cancelled: 'ECANCELLED',
};

/** "No such name" is an everyday answer that mailauth wants thrown: where it was thrown interests nobody. */
function dnsError(code: string, message: string): Error {
  const traced = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = Object.assign(new Error(message), { code });
  Error.stackTraceLimit = traced;
  return error;
}

function asDnsType(type: string): DnsType {
  switch (type) {
    case 'A':
    case 'AAAA':
    case 'MX':
    case 'TXT':
    case 'PTR':
    case 'CNAME':
      return type;
    default:
      throw new RangeError(`Cannot ask for type ${type} as it must be one that SPF, DKIM, DMARC or ARC knows`);
  }
}

function asNode(record: DnsRecord): unknown {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address;
    case 'MX':
      return { priority: record.preference, exchange: record.exchange };
    case 'TXT':
      return [record.text];
    case 'PTR':
    case 'CNAME':
    case 'NS':
      return record.name;
    case 'TLSA':
    case 'SOA':
      return record;
  }
}
