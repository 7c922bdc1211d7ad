/** One stage of the story: what the checks saw, which rules were asked and why they held or not, and what was answered. */
import { sayDuration } from '../mail/time.ts';
import type { Facts, FactValue } from '../policy/facts.ts';
import type { Stage } from '../policy/stage.ts';
import type { DnsEvidence, RecipientCopy, RemovedPart } from './record.ts';
import { findFact, sayFields, sayReadings, sayValue } from './say-value.ts';
import { rootsOf, sayReply } from './say-why.ts';
import { columns } from './terminal.ts';
import type { CheckView, OutageView, RecipientView, RecordView, RuleView } from './view.ts';

export function tellStage(view: RecordView, stage: Stage): readonly string[] {
  const lines = [
    `${stage}${saySaid(view, stage)}`,
    ...tellChecks(view, view.checks, stage, view.facts, '  '),
    ...tellRules(view, stage, view.session.rules, view.session.outages, undefined, '  '),
    ...tellRecipients(view, stage),
  ];
  const answers = ANSWERS[stage].flatMap((to) => view.replies.filter((sent) => sent.to === to));
  const counted = new Map<string, number>();
  for (const { reply } of answers) counted.set(sayReply(reply), (counted.get(sayReply(reply)) ?? 0) + 1);
  return [
    ...lines,
    ...[...counted].map(([said, times]) => `  answered  ${said}${times > 1 ? ` (${times} times)` : ''}`),
  ];
}

const ANSWERS = {
  connect: ['connect'],
  helo: ['HELO', 'EHLO'],
  mail: ['MAIL'],
  rcpt: ['RCPT'],
  data: ['DATA'],
  content: ['content'],
} as const;

/** What the client said at this stage. */
function saySaid({ facts }: RecordView, stage: Stage): string {
  const said = (path: string): string => String(findFact(path, facts) ?? '');
  if (stage === 'connect') return `  ${said('client.ip')} port ${said('client.port')}`;
  if (stage === 'helo' && said('helo.name') !== '') return `  ${said('helo.verb')} ${said('helo.name')}`;
  if (stage === 'mail' && findFact('mail.address', facts) !== undefined) return `  FROM:<${said('mail.address')}>`;
  if (stage === 'data' && said('from.address') !== '')
    return `  From: ${said('from.display')} <${said('from.address')}>`;
  return '';
}

/** Recipients who fared alike at this stage are told once. */
function tellRecipients(view: RecordView, stage: Stage): readonly string[] {
  const alike = new Map<string, { recipients: RecipientView[]; lines: readonly string[] }>();
  for (const recipient of view.recipients) {
    const lines = [
      ...tellSource(recipient, stage),
      ...tellChecks(view, recipient.checks, stage, recipient.facts, '    '),
      ...tellRules(view, stage, recipient.rules, recipient.outages, recipient, '    '),
      ...tellEnd(recipient, stage),
    ];
    if (lines.length === 0) continue;
    // Durations differ from one to the next and change nothing.
    const key = lines.join('\n').replace(/\b\d+ ms\b/g, '');
    const group = alike.get(key);
    if (group === undefined) alike.set(key, { recipients: [recipient], lines });
    else group.recipients.push(recipient);
  }
  return [...alike.values()].flatMap(({ recipients, lines }) => [`  to ${sayAddresses(recipients)}`, ...lines]);
}

/** How a recipient source that is asked over the network came to its answer; what the others say stands in what comes of it. */
function tellSource({ facts }: RecipientView, stage: Stage): readonly string[] {
  const answer = String(findFact('recipient.answer', facts) ?? '');
  if (stage !== 'rcpt' || answer === '') return [];
  const { [answer]: how = answer } = ANSWERED_BY;
  return [`    source    ${findFact('recipient.source', facts)} says ${findFact('recipient.result', facts)}: ${how}`];
}

const ANSWERED_BY: { readonly [by: string]: string } = {
  asked: 'it was asked',
  remembered: 'as it said a while ago',
  last_known: 'it does not answer, and knew the address last',
  on_error: 'it does not answer, and `on_error` holds',
  assumed: 'it is not asked in a rehearsal without --live',
};

const NAMED_MAX = 3; // recipients named before the rest are counted

function sayAddresses(recipients: readonly RecipientView[]): string {
  const named = recipients.slice(0, NAMED_MAX).map(({ address, number }) => `<${address}> .${number}`);
  const rest = recipients.length - named.length;
  return named.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function tellEnd(recipient: RecipientView, stage: Stage): readonly string[] {
  if (recipient.stage !== stage) return [];
  const changes = [
    ...recipient.headers.map(({ name, value, by }) => `    adds      ${name}: ${value}  (${by})`),
    ...(recipient.removed_headers ?? []).map((name) => `    takes off ${name}`),
    ...(recipient.subject_tags ?? []).map((tag) => `    tags      ${tag} before the subject`),
    ...(recipient.removed ?? []).map((part) => `    strips    ${sayPart(part)}  (${part.by})`),
    ...(recipient.redirect === undefined
      ? []
      : [`    redirects to <${recipient.redirect.address}>  (${recipient.redirect.by})`]),
    ...(recipient.copies ?? []).map((copy) => `    ${sayCopy(copy)}  (${copy.by})`),
    ...(recipient.route === undefined ? [] : [`    route     ${recipient.route}`]),
    ...(recipient.score === 0 ? [] : [`    score     ${recipient.score}`]),
    ...(recipient.orders ?? []).map(({ kind, text, by }) => `    ${kind.padEnd(9)} ${text}  (${by})`),
    ...recipient.notes.map(({ text, by }) => `    note      ${text}  (${by})`),
  ];
  return [...changes, `    so        ${recipient.verdict} (${recipient.reason}), ${recipient.outcome}`];
}

const sayPart = ({ part, name, type, size }: RemovedPart): string =>
  `part ${part}, ${name === '' ? 'without a name' : `"${name}"`}, ${type}, ${size} octets`;

const sayCopy = ({ kind, number, address }: RecipientCopy): string =>
  ({
    bcc: `copies    to <${address}> as .${number}`,
    alias: `goes to   <${address}> too, as .${number}`,
    original: `keeps     the message as it came, as .${number}`,
  })[kind];

function tellChecks(
  view: RecordView,
  checks: readonly CheckView[],
  stage: Stage,
  facts: Facts,
  indent: string,
): readonly string[] {
  const here = checks.filter((check) => check.stage === stage);
  const rows = here.map((check) => [
    'check',
    check.name === check.check ? check.name : `${check.name} (${check.check})`,
    check.status === 'completed' ? sayDuration(check.took_ms) : check.status.replace('_', ' '),
    sayFound(check, facts),
  ]);
  return columns(rows, indent).flatMap((line, index) => [
    line,
    ...tellEvidence(view, here[index]!, `${indent}       `),
  ]);
}

function sayFound(check: CheckView, facts: Facts): string {
  if (check.status !== 'completed') return check.why === 'guard' ? 'its own `when` said no' : check.why;
  const { status: _status, ...found } = {
    ...(facts[check.name] as { readonly [name: string]: FactValue } | undefined),
  };
  return sayFields(found);
}

function tellEvidence(view: RecordView, check: CheckView, indent: string): readonly string[] {
  const seen = sayFields({ ...check.inputs, ...check.evidence });
  const answers = check.dns.flatMap((place) => view.dns[place] ?? []);
  const rows = answers.map((answer) => ['dns', answer.type, answer.name, sayAnswer(answer)]);
  return [...(seen === '' ? [] : [`${indent}saw  ${seen}`]), ...columns(rows, indent)];
}

function sayAnswer(answer: DnsEvidence): string {
  const cost = [
    ...(answer.kind === 'failed' ? [] : [`ttl ${answer.ttl}`]),
    ...(answer.cached ? ['cached'] : []),
    ...(answer.secure ? ['AD'] : []),
    ...(answer.server === '' ? [] : [`from ${answer.server}`]),
  ].join(', ');
  const result = sayResult(answer);
  return cost === '' ? result : `${result}  (${cost})`;
}

function sayResult({ kind, rcode, answer }: DnsEvidence): string {
  const said = answer.map((text) => sayValue(text)).join(' ');
  switch (kind) {
    case 'found':
      return said;
    case 'empty':
      return rcode === 'NXDOMAIN' ? rcode : 'no data';
    case 'failed':
      return `failed: ${said || rcode}`;
  }
}

function tellRules(
  view: RecordView,
  stage: Stage,
  rules: readonly RuleView[],
  outages: readonly OutageView[],
  recipient: RecipientView | undefined,
  indent: string,
): readonly string[] {
  const roots = rootsOf(view, recipient);
  const rows = rules
    .filter((rule) => rule.stage === stage)
    .map((rule) => [
      sayCame(rule),
      rule.action,
      rule.rule === '' ? `rule ${rule.number}` : rule.rule,
      rule.file === '' ? '' : `${rule.file}:${rule.line}`,
      sayBecause(rule, sayReadings(rule.condition, roots, recipient?.facts ?? {}, view.facts)),
    ]);
  const silent = outages
    .filter((outage) => outage.stage === stage)
    .map(
      ({ check, means, spoke }) =>
        `${indent}silent    ${check} did not answer, on_error: ${means}${spoke ? ' (decided)' : ''}`,
    );
  return [...columns(rows, indent), ...silent];
}

function sayCame(rule: RuleView): string {
  switch (rule.came) {
    case 'held':
      return 'HELD';
    case 'softened':
      return 'HELD soft';
    case 'would':
      return 'would';
    case 'passedOver':
      return 'passed';
    case 'quiet':
      return rule.truth === 'unknown' ? 'unknown' : 'no';
  }
}

function sayBecause(rule: RuleView, readings: string): string {
  const over = rule.came === 'passedOver' ? ` (allowed by ${rule.allowed_by})` : '';
  const monitored = rule.came === 'would' && rule.override === undefined ? ' (mode monitor: ended nothing)' : '';
  const braked = rule.override === undefined ? '' : ` (${sayOverride(rule.override)})`;
  const condition = rule.condition === '' ? 'always' : rule.condition;
  return `${condition}${readings === '' ? '' : `  <- ${readings}`}${over}${monitored}${braked}`;
}

const sayOverride = ({ id, kind, name, by, until, why }: NonNullable<RuleView['override']>): string =>
  `under override ${id} of ${kind} ${name} by ${by} until ${until}: ${why}`;
