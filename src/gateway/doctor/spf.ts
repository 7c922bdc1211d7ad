/** SPF of our name and our domains: published once, sound to its end, and naming this machine where mail leaves from it. */
import { spf as evaluate } from 'mailauth/lib/spf/index.js';
import { mailauthResolver } from '../../checks/mailauth-resolver.ts';
import { clean } from '../../mail/reply.ts';
import { type Finding, info, ok, problem, warning } from './finding.ts';
import { ask, domainsLeft, domainsOf, ownAddresses, type Practice, recordsOf, trouble } from './practice.ts';

export async function examineSpf(practice: Practice): Promise<readonly Finding[]> {
  const { installation } = practice;
  const { hostname, routes, defaultRoute } = installation;
  const leaves = routes.get(defaultRoute)?.kind;
  const own = await ownAddresses(practice);
  const names = [...new Set([hostname, ...domainsOf(practice)])];
  const findings = (
    await Promise.all(names.map((name) => examineName(practice, name, leaves === 'mx' ? own : [])))
  ).flat();
  if (leaves === 'hosts')
    findings.push(
      info('spf', `mail leaves by the hosts of ${defaultRoute}: their addresses must stand in these records`),
    );
  const left = domainsLeft(practice);
  if (left > 0) findings.push(info('spf', `${left} more domains were not looked at`));
  return findings;
}

/** `own`: our addresses, where strangers get mail from them. */
async function examineName(practice: Practice, name: string, own: readonly string[]): Promise<readonly Finding[]> {
  const answer = await ask(practice, name, 'TXT');
  if (answer.kind === 'failed') return [warning('spf', trouble(answer), 'look again when the resolver answers')];
  const found = recordsOf(answer, 'TXT').filter(({ text }) => /^v=spf1(?: |$)/i.test(text));
  if (found.length === 0)
    return [
      warning('spf', `${name} has no SPF record`, 'publish one that names the hosts that send in its name (RFC 7208)'),
    ];
  if (found.length > 1)
    return [
      problem('spf', `${name} has ${found.length} SPF records, which counts as an error (RFC 7208 §4.5)`, 'leave one'),
    ];
  const whole = await evaluated(practice, name, NOBODY);
  if (whole.result === 'permerror')
    return [problem('spf', `${name}: ${whole.why}`, 'mend the record: receivers take it as an error (RFC 7208 §8.7)')];
  if (whole.result === 'temperror')
    return [warning('spf', `${name}: ${whole.why}`, 'look again when the resolver answers')];
  if (whole.result === 'pass')
    return [problem('spf', `${name} lets every address send in its name`, 'end the record with -all or ~all')];
  const outside = (
    await Promise.all(own.map(async (ip) => ((await evaluated(practice, name, ip)).result === 'pass' ? [] : [ip])))
  ).flat();
  if (outside.length > 0)
    return [
      problem(
        'spf',
        `${name} does not let ${outside.join(', ')} send, and mail leaves from there`,
        `add \`a:${practice.installation.hostname}\` to it`,
      ),
    ];
  return [ok('spf', `${name} has one that is sound, with ${whole.lookups} of 10 look-ups`)];
}

/** Class E (RFC 1112 §4), which no mechanism but +all names: the evaluation goes through the whole record. */
const NOBODY = '240.0.0.1';
const WHY_MAX = 200;

interface Evaluated {
  readonly result: string;
  readonly why: string;
  readonly lookups: number;
}

async function evaluated({ resolver, installation, signal }: Practice, domain: string, ip: string): Promise<Evaluated> {
  const answer = await evaluate({
    ip,
    sender: `postmaster@${domain}`,
    helo: domain,
    mta: installation.hostname,
    resolver: mailauthResolver(resolver, signal).resolve as never,
    strict: true,
  });
  const { result, comment = '' } = answer.status as { readonly result: string; readonly comment?: string };
  const { lookups } = answer as { readonly lookups?: { readonly count?: number } };
  // The comment opens with our own name and the sender.
  const why = clean(comment.replace(/^.*?during lookup of \S+: /, ''), WHY_MAX);
  return { result, why, lookups: lookups?.count ?? 0 };
}
