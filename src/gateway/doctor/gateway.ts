/** The running gateway: the program and the configuration that are in force, and what its latest records hint at. */
import { isPrivate, parseIp } from '../../mail/ip.ts';
import { sayDuration } from '../../mail/time.ts';
import type { TransactionRecord } from '../../record/record.ts';
import type { WireReason } from '../../smtp/receive/refusals.ts';
import { type Finding, info, ok, problem, warning } from './finding.ts';
import type { Practice } from './practice.ts';

export async function examineGateway(practice: Practice): Promise<readonly Finding[]> {
  const { gateway, onDisk, now } = practice;
  if (gateway.kind === 'stopped')
    return [
      warning('gateway', `it does not run: ${gateway.why}`, 'start it: systemctl start postern, or postern serve'),
    ];
  if (gateway.kind === 'refused')
    return [problem('gateway', `it does not answer: ${gateway.why}`, 'see its log; run this as its user')];
  const { status } = gateway.answer;
  const since = `runs for ${sayDuration(Math.max(0, now - status.startedAt))}, version ${status.version}`;
  if (status.version !== onDisk.version)
    return [warning('gateway', `${since}; ${onDisk.version} is installed`, 'restart it to run what is installed')];
  const findings: Finding[] = [];
  if (status.draining) findings.push(warning('gateway', 'it is drained and takes no mail', 'postern drain --off'));
  if (status.lastReload !== null && status.lastReload.problems.length > 0)
    findings.push(
      problem(
        'gateway',
        'the last reload was refused: what was before is in force',
        'postern check, then postern reload',
      ),
    );
  else if (status.configuration !== onDisk.configuration)
    findings.push(
      warning(
        'gateway',
        'the files say something else than what is in force',
        'postern check, then postern reload; `reload` says what needs a restart',
      ),
    );
  return findings.length > 0 ? findings : [ok('gateway', `${since}, as its files say`)];
}

/** Behind a balancer or NAT every client has one address: lists, rates and greylisting then judge the wrong one. */
export async function examineClients({ installation, recent }: Practice): Promise<readonly Finding[]> {
  const findings = installation.listeners
    .filter(({ trustedNetworks, proxyFrom, xclientFrom }) =>
      [trustedNetworks, proxyFrom, xclientFrom].every(({ length }) => length === 0),
    )
    .flatMap(({ name }): readonly Finding[] => {
      const clients = recent.filter(({ listener }) => listener === name).map(clientOf);
      if (clients.length < ENOUGH || !clients.every(hidden)) return [];
      return [
        warning(
          'clients',
          `${name} saw private addresses only, in its latest ${clients.length} records`,
          'a balancer or NAT stands before it: name it in `proxy_from`, or let it pass addresses on',
        ),
      ];
    });
  return findings;
}

/** A few tests from inside are no sign. */
const ENOUGH = 20;

const clientOf = ({ facts }: TransactionRecord): string =>
  String((facts.client as { readonly ip?: unknown } | undefined)?.ip ?? '');
const hidden = (text: string): boolean => {
  const ip = parseIp(text);
  return ip !== undefined && isPrivate(ip);
};

/** Reasons of the door (`smtp/receive/door.ts`) and the bounds that each comes from. */
const SHED: { readonly [reason: string]: string } = {
  'too-busy': 'sessions, connections or lag',
  'network-sessions': 'network_sessions',
  'network-rate': 'network_connections',
} satisfies { readonly [reason in WireReason]?: string };

export async function examineCrowd({ recent, now }: Practice): Promise<readonly Finding[]> {
  const counts = new Map<string, number>();
  for (const { replies, count } of recent) {
    const reason = replies[0]?.reason?.replace('builtin:', '') ?? '';
    if (Object.hasOwn(SHED, reason)) counts.set(reason, (counts.get(reason) ?? 0) + count);
  }
  const oldest = recent.at(-1)?.at ?? now;
  return [...counts].map(([reason, n]) =>
    info(
      'crowd',
      `${n} connection${n === 1 ? '' : 's'} shed in the last ${sayDuration(Math.max(0, now - oldest))} (${reason})`,
      `honest ones among them (postern log)? then raise limits: ${SHED[reason]}`,
    ),
  );
}
