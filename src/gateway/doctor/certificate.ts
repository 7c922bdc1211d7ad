/** Certificates: those a client is shown, and those that lie in the files. */
import { X509Certificate } from 'node:crypto';
import { pairFaults } from '../../config/certificate-pair.ts';
import { identitiesIn } from '../../config/route-certificate.ts';
import { mailDate } from '../../mail/date.ts';
import { clean } from '../../mail/reply.ts';
import { days, sayDuration, type Timestamp } from '../../mail/time.ts';
import type { ShownCertificates } from '../../ports/dial.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import type { Practice } from './practice.ts';

/** An ACME client renews a month before the end: something is wrong with that. */
const NOTICE = days(14);
/** A weekend. */
const ALARM = days(3);
const RENEW = 'renew it; is the ACME client still at work?';

export async function examineFiles({ installation, pair, now }: Practice): Promise<readonly Finding[]> {
  const shown = identitiesIn(installation.routes).map((pair) => ({ names: [], ...pair }));
  return [...installation.certificates, ...shown].flatMap((one): readonly Finding[] => {
    const reading = pair(one);
    const faults = pairFaults(one.names, reading).map(({ severity, message, remedy }) =>
      (severity === 'error' ? problem : warning)('certificate', `${one.certificate}: ${message}`, remedy),
    );
    if (reading.kind !== 'read') return faults;
    const age = faults.length > 0 ? undefined : ageing(one.certificate, reading.facts.notAfter, now);
    return age === undefined ? faults : [...faults, age];
  });
}

/** `who`: the listeners that show it. */
export function judge(practice: Practice, who: string, { chain, distrust }: ShownCertificates): readonly Finding[] {
  const { installation, now } = practice;
  const { hostname } = installation;
  const [der] = chain;
  if (der === undefined) return [problem('certificate', `${who}: none was shown`, 'see the log: certificate.refused')];
  const x509 = new X509Certificate(der);
  const notAfter = x509.validToDate.getTime();
  const findings: Finding[] = [];
  if (now > notAfter) findings.push(problem('certificate', `${who}: it expired on ${mailDate(notAfter)}`, RENEW));
  else if (now < x509.validFromDate.getTime())
    findings.push(problem('certificate', `${who}: it is not valid yet`, 'wait, or set the clock'));
  else findings.push(ageing(who, notAfter, now) ?? ok('certificate', `${who}: valid for ${left(notAfter, now)} more`));
  if (x509.checkHost(hostname) === undefined) {
    const saw = `${who}: it speaks for ${clean(x509.subjectAltName ?? 'nobody', NAMES_SHOWN)}, not for ${hostname}`;
    findings.push(warning('certificate', saw, 'have it issued for `hostname`, which is the name that senders verify'));
  }
  if (selfSigned(x509))
    findings.push(
      warning(
        'certificate',
        `${who}: self-signed, which encrypts and proves nothing`,
        'give it one that others trust: docs/tls.md',
      ),
    );
  else if (distrust !== '' && !ABOUT_TIME_OR_NAME.has(distrust))
    findings.push(
      warning(
        'certificate',
        `${who}: this machine does not trust it (${clean(distrust, NAMES_SHOWN)})`,
        'is the chain whole in its file? an authority of your own is fine where all clients know it',
      ),
    );
  const files = installation.certificates.map((one) => practice.pair(one));
  const known = files.some(
    (file) =>
      file.kind === 'read' && file.facts.notAfter === notAfter && file.facts.notBefore === x509.validFromDate.getTime(),
  );
  if (files.some(({ kind }) => kind === 'read') && !known)
    findings.push(
      warning('certificate', `${who}: it is none of those in the files`, 'see the log: certificate.refused'),
    );
  return findings;
}

/** What is told by itself. */
const ABOUT_TIME_OR_NAME: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);
const NAMES_SHOWN = 200;

export const selfSigned = (x509: X509Certificate): boolean => x509.checkIssued(x509) && x509.verify(x509.publicKey);

function ageing(who: string, notAfter: Timestamp, now: Timestamp): Finding | undefined {
  if (notAfter - now >= NOTICE) return undefined;
  const told = notAfter - now < ALARM ? problem : warning;
  return told('certificate', `${who}: it ends in ${left(notAfter, now)}, on ${mailDate(notAfter)}`, RENEW);
}

const left = (notAfter: Timestamp, now: Timestamp): string => sayDuration(Math.max(0, notAfter - now));
