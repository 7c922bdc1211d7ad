/** What a made-up client shows of itself, and what the wire makes of it before a session is asked: TLS, certificate, login, MAIL's parameters. */
import type { MailParameters } from '../mail/envelope.ts';
import type { UserSource } from '../ports/logins.ts';
import type { Scenario } from '../record/scenario.ts';
import { owedBefore } from '../smtp/receive/owed.ts';
import { readMail } from '../smtp/receive/parameters.ts';
import type { Session, TlsInfo, WireRefusal } from '../smtp/receive/session.ts';
import { wireRefusal } from '../smtp/receive/wire-refusal.ts';
import { judgeNamed } from './auth/client-trust.ts';
import { offerOf } from './offer.ts';
import type { Current, OpenListener } from './world.ts';

/**
 * Undefined: nothing is encrypted. Where the scenario does not say, a client does what the listener demands; whoever logs in does so over
 * TLS, and a certificate is shown nowhere else.
 */
export function tlsOf(scenario: Scenario, listener: OpenListener): TlsInfo | undefined {
  const { tls, auth_user: user = '', client_certificate: name = '' } = scenario;
  if (tls === false && listener.tls === 'implicit')
    throw new RangeError(`Cannot rehearse without TLS as listener "${listener.name}" begins with it`);
  const spoken = listener.tls === 'implicit' || listener.tls === 'required';
  if (!(tls ?? (spoken || name !== '' || (user !== '' && listener.auth !== 'none')))) return undefined;
  return {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    clientVerified: false,
    clientName: '',
    ...(name === '' ? {} : judgeNamed(listener, name)),
  };
}

/** Sources of users that know the scenario's, whatever the password: how somebody logs in is nothing to rehearse, whether one may is. */
export function believing({ auth_addresses: addresses = [] }: Scenario, { installation }: Current): Current['logins'] {
  const source: UserSource = {
    scram: false,
    verifier: () => undefined,
    decoy: () => undefined,
    check: async (user) => ({ kind: 'right', user, addresses }),
  };
  return new Map(installation.listeners.flatMap(({ users }) => users).map((name) => [name, source]));
}

/** False: who logs in was turned away, and nothing goes on. Where nobody logs in, an upstream has said who it is (XCLIENT). */
export async function logsIn(scenario: Scenario, { auth }: OpenListener, session: Session): Promise<boolean> {
  const { auth_user: user = '', auth_addresses: addresses } = scenario;
  if (user === '') return true;
  if (auth !== 'none') {
    const credentials = { kind: 'password', authorization: '', user, password: 'any' } as const;
    const { reply } = await session.login('PLAIN', credentials);
    if (reply.code === 235) return true;
    if (scenario.all_stages !== true) return false;
  }
  session.authenticated(user, addresses);
  return true;
}

/** What the wire refuses without asking the session. */
export function refusalAtMail(
  scenario: Scenario,
  { tls, auth }: Pick<OpenListener, 'tls' | 'auth'>,
  encrypted: boolean,
): WireRefusal | undefined {
  const { auth_user: user = '' } = scenario;
  const demands = { tls: tls === 'required', login: auth === 'required' };
  const owed = owedBefore('MAIL', demands, { tls: encrypted, login: user !== '' });
  return owed === undefined ? undefined : wireRefusal(owed, 'MAIL', mailLine(scenario));
}

/** MAIL's parameters as the wire reads them; undefined: it refused them, and the session has it on record. */
export function parametersOf(
  scenario: Scenario,
  current: Current,
  listener: OpenListener,
  encrypted: boolean,
  session: Session,
): MailParameters | undefined {
  const { mail_parameters: parameters = '', auth_user: user = '' } = scenario;
  const { smtpUtf8, messageBytes } = offerOf(current.installation, listener);
  const dsn = listener.trustedNetworks.length > 0 || user !== '';
  // The path stands for any: an address is played as it stands.
  const offers = { smtpUtf8, dsn, requireTls: encrypted, auth: listener.auth !== 'none' };
  const read = readMail(`FROM:<> ${parameters}`, offers, messageBytes);
  if (read.kind === 'ok') return read.value.parameters;
  session.refused(wireRefusal(read.reason, 'MAIL', mailLine(scenario), read.text));
  return undefined;
}

function mailLine({ mail_from: from = '', mail_parameters: parameters = '' }: Scenario): string {
  return `MAIL FROM:<${from.replace(/^<|>$/g, '')}>${parameters === '' ? '' : ` ${parameters}`}`;
}
