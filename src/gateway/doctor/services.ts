/** The daemons that checks ask: does each answer now, and what is it? */
import { parseIp } from '../../mail/ip.ts';
import { SERVICES, type ServiceName } from '../../policy/services.ts';
import { ServiceError } from '../../ports/services.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { type Practice, running } from './practice.ts';

const REMEDY: { readonly [name in ServiceName]: string } = {
  clamav: 'systemctl start clamav-daemon; may this user open its socket? then mend `services.clamav.address`',
  spamassassin:
    'systemctl start spamd; may this machine ask it (--allowed-ips)? then mend `services.spamassassin.address`',
  rspamd: 'systemctl start rspamd; then mend `services.rspamd.url`: the normal worker, not the controller',
};

export async function examineServices(practice: Practice): Promise<readonly Finding[]> {
  const { installation, services, signal } = practice;
  const asked = SERVICES.filter((name) => installation.services[name] !== undefined);
  const found = await Promise.all(
    asked.map(async (name): Promise<Finding> => {
      try {
        const said = (await services[name]?.probe(signal)) ?? '';
        return ok(name, `answers: ${name === 'clamav' ? await services.clamav?.version(signal) : said}`);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        return problem(name, `gives no answer (${error.kind}): ${error.message}`, REMEDY[name]);
      }
    }),
  );
  const down = (running(practice)?.services ?? [])
    .filter(({ state }) => state === 'down')
    .map(({ service, lastError }) =>
      warning(service, `the gateway has given it up: ${lastError}`, 'it comes back by itself within two minutes'),
    );
  return [...found, ...down, ...unproven(practice)];
}

/** A name with public addresses cannot be told from here; what is written out can be held against the configuration's own rule. */
function unproven({ installation }: Practice): readonly Finding[] {
  const { clamav, spamassassin } = installation.services;
  return Object.entries({ clamav, spamassassin }).flatMap(([name, settings]): readonly Finding[] => {
    const address = settings?.address;
    if (address?.kind !== 'tcp' || parseIp(address.host) !== undefined || address.host === 'localhost') return [];
    return [warning(name, `mail goes to ${address.host} unencrypted`, 'see that the way there is your own network')];
  });
}
