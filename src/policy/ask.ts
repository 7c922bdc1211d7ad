/** Asks one stage's rules, top to bottom, over whatever is known. Pure: the same facts give the same answer, in whatever order they came. */
import { clean, type Reply } from '../mail/reply.ts';
import { Asking, type Ground } from './asking.ts';
import type { OnError } from './check-spec.ts';
import { holds } from './condition.ts';
import type { Asked, Carry, Decision, Disposition, Modification, RuleTrace } from './disposition.ts';
import type { CheckInstance, Situation } from './policy.ts';
import { isSparedGroup, isSparedRecipient } from './postmaster.ts';
import { permits, type Rule } from './rule.ts';
import type { Stage } from './stage.ts';
import { fillTemplate, type Template } from './template.ts';

/** What of a policy is asked. */
export interface Askable {
  readonly ground: Ground;
  readonly rules: readonly Rule[];
  readonly checks: readonly CheckInstance[];
  readonly mode: 'enforce' | 'monitor' | 'soft';
  readonly otherwise: 'accept' | 'defer';
}

type Outage = Decision['outages'][number];

export function ask(policy: Askable, stage: Stage, situation: Situation, carry: Carry): Asked {
  if (silentAt(policy, stage)) {
    const decision: Decision = { stage, disposition: { kind: 'continue' }, trace: [], carry, calls: {}, outages: [] };
    return { kind: 'decided', decision };
  }
  const asking = new Asking(policy.ground, situation, carry.score);
  const spared = isSparedRecipient(situation.view.known.recipient);
  const trace: RuleTrace[] = [];
  const outages = new Map<string, Outage>();
  const means = (name: string) => policy.checks.find((check) => check.name === name)?.onError.kind ?? 'skip';
  const felt = (checks: readonly string[]): void => {
    for (const check of checks) outages.set(check, { check, means: said(means(check)), spoke: false });
  };
  const decided = (disposition: Disposition): Asked => ({
    kind: 'decided',
    decision: { stage, disposition, trace, carry: now, calls: asking.calls, outages: [...outages.values()] },
  });
  let now = carry;

  for (const rule of policy.rules) {
    if (rule.info.stage !== stage) continue;
    const { index, group, mode } = rule.info;
    const allowedBy = Object.hasOwn(now.skipped, group) ? now.skipped[group] : undefined;
    if (group !== '' && (allowedBy !== undefined || (spared && isSparedGroup(group)))) {
      trace.push({ rule: index, truth: 'no', came: 'passedOver', ...(allowedBy === undefined ? {} : { allowedBy }) });
      continue;
    }
    const truth = holds(rule.condition, permits(rule.action), asking);
    if (truth.kind === 'pending') return truth;
    if (truth.kind !== 'no') felt(truth.outages);
    if (truth.kind !== 'yes' || mode === 'monitor') {
      trace.push({ rule: index, truth: truth.kind, came: truth.kind === 'yes' ? 'would' : 'quiet' });
      continue;
    }
    const done = act(rule, asking, now, spared);
    if (done.kind === 'pending') return done;
    trace.push({ rule: index, truth: 'yes', came: done.softened ? 'softened' : 'held' });
    now = done.carry;
    asking.score = now.score;
    if (done.disposition !== undefined) return decided(done.disposition);
  }

  if (policy.mode !== 'monitor') {
    const outage = speakOutages(policy, stage, situation, now, spared);
    if (outage?.kind === 'pending') return outage;
    if (outage !== undefined) {
      for (const check of outage.checks)
        outages.set(check.name, { check: check.name, means: said(check.onError.kind), spoke: true });
      return decided(outage.disposition);
    }
    if (stage === 'content' && policy.otherwise === 'defer' && now.accepted !== true) {
      return decided({ kind: 'defer', by: 'otherwise', reply: OTHERWISE, speak: 'rcpt' });
    }
  }
  return decided({ kind: 'continue' });
}

/** Nothing is asked at this stage: most have no rule. */
const silentAt = ({ rules, checks, otherwise }: Askable, stage: Stage): boolean =>
  !rules.some(({ info }) => info.stage === stage) &&
  !checks.some(({ speaksAt }) => speaksAt === stage) &&
  !(stage === 'content' && otherwise === 'defer');

const OTHERWISE: Reply = { code: 451, enhanced: '4.7.1', text: 'no rule of this gateway takes this message yet' };

const said = (kind: OnError['kind']): Outage['means'] => (kind === 'deferThenQuarantine' ? 'defer' : kind);

interface Done {
  readonly kind: 'done';
  readonly carry: Carry;
  /** Where the rule ends the stage. */
  readonly disposition: Disposition | undefined;
  readonly softened: boolean;
}
type Waiting = { readonly kind: 'pending'; readonly waitFor: readonly string[] };

/** Carries out what a rule says. A text that names a fact still to come waits for it. */
function act({ action, info }: Rule, asking: Asking, carry: Carry, spared: boolean): Done | Waiting {
  const by = `rule:${info.name}`;
  const going = (next: Partial<Carry>): Done => ({
    kind: 'done',
    carry: { ...carry, ...next },
    disposition: undefined,
    softened: false,
  });
  const changing = (one: Modification): Done => going({ modifications: [...carry.modifications, one] });
  const ending = (disposition: Disposition, softened = false): Done => ({ kind: 'done', carry, disposition, softened });
  const filled = (template: Template, use: (text: string) => Done | Waiting): Done | Waiting => {
    const text = fillTemplate(template, asking);
    return text.kind === 'pending' ? text : use(text.text);
  };
  switch (action.kind) {
    case 'reject':
    case 'defer':
      return filled(action.text, (text) => {
        const help = action.help === undefined ? undefined : fillTemplate(action.help, asking);
        if (help?.kind === 'pending') return help;
        const reply: Reply = {
          code: action.code,
          enhanced: action.enhanced,
          text: help === undefined ? text : `${text}: ${help.text}`,
        };
        // Malware to postmaster is held for a person, not refused (docs/policy.md §2).
        if (action.kind === 'reject' && spared && info.group === 'malware') {
          return ending({ kind: 'quarantine', by, class: 'malware', reason: text });
        }
        if (action.kind === 'reject' && info.mode === 'soft') {
          return ending({ kind: 'defer', by, reply: softened(reply), speak: action.speak }, true);
        }
        return ending({ kind: action.kind, by, reply, speak: action.speak });
      });
    case 'quarantine':
      return filled(action.reason, (reason) => ending({ kind: 'quarantine', by, class: action.class, reason }));
    case 'hold':
      return filled(action.reason, (reason) => ending({ kind: 'hold', by, reason }));
    case 'discard':
      return filled(action.reason, (reason) =>
        ending(
          // As with a refusal: what is malware to the policy is not lost to postmaster.
          spared && info.group === 'malware'
            ? { kind: 'quarantine', by, class: 'malware', reason }
            : { kind: 'discard', by, reason },
        ),
      );
    case 'accept':
      return {
        kind: 'done',
        carry: { ...carry, accepted: true },
        disposition: { kind: 'accept', by },
        softened: false,
      };
    case 'allow': {
      const skipped = { ...Object.fromEntries(action.skip.map((group) => [group, info.index])), ...carry.skipped };
      return going({ skipped });
    }
    case 'score':
      return going({ score: carry.score + action.score });
    case 'add_header':
      return filled(action.value, (value) => changing({ kind: 'addHeader', name: action.name, value, by }));
    case 'remove_header':
      return changing({ kind: 'removeHeader', name: action.name, by });
    case 'tag_subject':
      return filled(action.tag, (tag) => changing({ kind: 'tagSubject', tag: clean(tag.trim(), TAG_MAX), by }));
    case 'strip_attachments': {
      const strip = { kind: 'stripAttachments', which: action.which, keep: action.keep, by } as const;
      if (action.note === undefined) return changing({ ...strip, note: '' });
      return filled(action.note, (note) => changing({ ...strip, note }));
    }
    case 'redirect':
    case 'bcc':
      return changing({ kind: action.kind, address: action.address, by });
    case 'route':
      return changing({ kind: 'route', route: action.route, by });
    case 'suspend':
      return changing({ kind: 'suspend', span: action.span, by });
    case 'notify':
      return filled(action.text, (text) => changing({ kind: 'notify', to: action.to, text, by }));
    case 'note':
      return filled(action.text, (text) => going({ notes: [...carry.notes, { by, text }] }));
  }
}

/** Characters of what stands before a subject: more of it than of the subject helps nobody. */
const TAG_MAX = 100;

/** A 5yz sent as 4yz: the same words, and the client tries again (RFC 5321 §4.2.1). */
function softened({ code, enhanced, text }: Reply): Reply {
  const soft: { readonly [code: number]: number } = { 550: 450, 552: 452 };
  return { code: soft[code] ?? 451, enhanced: enhanced.replace(/^5/, '4'), text };
}

/**
 * The implied last rule: what a check that failed means, at the stage where a rule first reads it, when no written rule
 * has ended the matter. A check that may still fail is waited for. Deferring is asked before quarantining: it can be
 * taken back.
 */
function speakOutages(
  { checks, rules }: Askable,
  stage: Stage,
  { view }: Situation,
  carry: Carry,
  spared: boolean,
):
  | Waiting
  | { readonly kind: 'outage'; readonly disposition: Disposition; readonly checks: readonly CheckInstance[] }
  | undefined {
  const passedOver = ({ info }: Rule): boolean =>
    info.group !== '' && (Object.hasOwn(carry.skipped, info.group) || (spared && isSparedGroup(info.group)));
  const matters = checks.filter(
    (check) =>
      check.speaksAt === stage &&
      check.onError.kind !== 'skip' &&
      rules.some((rule) => rule.checks.has(check.name) && rule.info.mode !== 'monitor' && !passedOver(rule)),
  );
  const waitFor = matters.filter(({ name }) => view.pending.has(name)).map(({ name }) => name);
  if (waitFor.length > 0) return { kind: 'pending', waitFor };
  const failed = matters.filter(({ name }) => view.unknown.has(name));
  const first = ORDER.map((kind) => failed.find(({ onError }) => onError.kind === kind)).find(
    (check) => check !== undefined,
  );
  if (first === undefined) return undefined;
  const by = `on_error:${first.name}`;
  const reason = `the check ${first.name} ${view.unknown.get(first.name) === 'timed_out' ? 'did not answer in time' : 'failed'}`;
  const reply: Reply = { code: 451, enhanced: '4.3.0', text: 'cannot check this message now, please try again later' };
  const disposition: Disposition =
    first.onError.kind === 'quarantine'
      ? { kind: 'quarantine', by, class: 'policy', reason }
      : {
          kind: 'defer',
          by,
          reply,
          speak: 'rcpt',
          ...(first.onError.kind === 'deferThenQuarantine' ? { patience: { span: first.onError.span, reason } } : {}),
        };
  return { kind: 'outage', disposition, checks: failed };
}

const ORDER: readonly OnError['kind'][] = ['defer', 'deferThenQuarantine', 'quarantine'];
