/** Directories that users log in by: does each server answer now, let the reader search, and know nobody of a made-up name? */
import { sayHostPort } from '../../config/host-port.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { type LdapUsers, type Practice, running } from './practice.ts';

const REACH =
  'may this machine reach it, is its certificate signed by one in `ca_file`, do `bind_dn`, its password and `base` fit?';

export async function examineUsers(practice: Practice): Promise<readonly Finding[]> {
  const directories = [...practice.installation.users].flatMap(([name, one]) =>
    one.kind === 'ldap' ? [{ name, one }] : [],
  );
  const found = await Promise.all(directories.map(({ name, one }) => look(practice, name, one)));
  return [...found.flat(), ...told(practice)];
}

/** A server that is dead behind one that answers is told here and nowhere else. */
function look(practice: Practice, name: string, source: LdapUsers): Promise<readonly Finding[]> {
  return Promise.all(
    source.servers.map(async (server): Promise<Finding> => {
      const who = `${name}, ${sayHostPort(server)}`;
      const answer = await practice.askUsers(source, server, practice.signal);
      switch (answer.kind) {
        case 'nobody':
          return ok('users', `${who} answers, and knows no made-up name`);
        case 'somebody':
          return problem('users', `${who} knows a made-up name`, 'mend `filter`: everybody would be the same user');
        case 'trouble':
          return source.servers.length === 1
            ? problem('users', `${who} gives no answer, and nobody of it logs in: ${answer.why}`, REACH)
            : problem('users', `${who} gives no answer: ${answer.why}`, REACH);
      }
    }),
  );
}

/** What the gateway that runs has seen of them. */
const told = (practice: Practice): readonly Finding[] =>
  (running(practice)?.directories ?? [])
    .filter(({ state }) => state === 'down')
    .map(({ service, lastError }) =>
      warning('users', `the gateway has no answer of ${service}: ${lastError}`, 'it asks again every 30 seconds'),
    );
