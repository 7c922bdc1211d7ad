/** Recipient sources that are asked over the network: does each answer now, and does it say no to a name that nobody has? */
import { type LiveSource, sayLive } from '../../config/live-source.ts';
import { SourceError } from '../../ports/recipients.ts';
import { deskKey } from '../live-desk.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { type Practice, running } from './practice.ts';

const REMEDY: { readonly [kind in LiveSource['kind']]: string } = {
  ldap: 'may this machine reach it, is its certificate signed by one in `ca_file`, do `bind_dn`, `base` and `filter` fit?',
  sql: 'may this machine reach it (pg_hba.conf), may this role read what `query` names?',
  callout: 'ask a host that answers at RCPT and takes MAIL FROM:<> (Exchange: port 2525), or write another source',
};
/** Of a provider's thousand domains most ask the same. */
const SOURCES_MAX = 50;

export async function examineRecipients(practice: Practice): Promise<readonly Finding[]> {
  const asked = new Map<string, { readonly source: LiveSource; readonly domain: string }>();
  for (const { domain, recipients } of practice.installation.domains.values())
    for (const source of recipients)
      if (source.kind === 'ldap' || source.kind === 'sql' || source.kind === 'callout') {
        // A store may tell names apart in one domain and not in another; a directory is one.
        const key = `${deskKey(source)}${source.kind === 'callout' ? domain : ''}`;
        if (!asked.has(key)) asked.set(key, { source, domain });
      }
  const some = [...asked.values()].slice(0, SOURCES_MAX);
  const found = await Promise.all(some.map(({ source, domain }) => look(practice, source, domain)));
  const left = asked.size - some.length;
  return [
    ...found,
    ...(left > 0 ? [warning('recipients', `${left} more sources were not asked`, 'look at `postern status`')] : []),
    ...told(practice),
  ];
}

async function look(practice: Practice, source: LiveSource, domain: string): Promise<Finding> {
  const client = practice.recipientClient(source);
  const local = practice.nobody();
  try {
    const answer = await client.ask({ address: `${local}@${domain}`, local, domain }, practice.signal);
    if (answer === 'unknown')
      return ok('recipients', `${sayLive(source)} answers, and knows no made-up name in ${domain}`);
    return problem(
      'recipients',
      `${sayLive(source)} knows a made-up name in ${domain}: it would know everybody`,
      REMEDY[source.kind],
    );
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    if (error.kind === 'catch-all')
      return problem(
        'recipients',
        `${sayLive(source)} is a catch-all for ${domain}, and not believed`,
        REMEDY[source.kind],
      );
    return problem('recipients', `${sayLive(source)} gives no answer: ${error.message}`, REMEDY[source.kind]);
  } finally {
    client.close();
  }
}

/** What the gateway that runs has seen of them. */
const told = (practice: Practice): readonly Finding[] =>
  (running(practice)?.sources ?? []).flatMap(({ source, state, lastError, catchAll }) => [
    ...(state === 'down'
      ? [
          warning(
            'recipients',
            `the gateway has no answer of ${source}: ${lastError}`,
            'it is asked again by the next message',
          ),
        ]
      : []),
    ...catchAll.map((domain) =>
      problem(
        'recipients',
        `${source} takes made-up names in ${domain}`,
        'its "yes" is not believed: name another source',
      ),
    ),
  ]);
