/** The rules of a policy, compiled: conditions typed against the facts of their stage, actions with their texts. */
import { didYouMean } from '../language/nearest.ts';
import type { Path, Source } from '../language/source.ts';
import type { Compiler, Expression } from './expression.ts';
import { loadNotify, loadStrip, loadWay } from './load-changes.ts';
import type { Loading } from './loading.ts';
import type { List } from './policy.ts';
import {
  ACTIONS,
  LATER_ACTIONS,
  NAMED,
  type NamedReply,
  REPLY,
  type Refusal,
  RULE_OF_ANY_VERSION,
  STAGED,
  type StripWritten,
} from './policy-file.ts';
import type { Action, Condition, Rule } from './rule.ts';
import { STAGES, type Stage } from './stage.ts';
import { expressionAt, instancesRead, templateAt, type Vocabulary } from './vocabulary.ts';

/** What rules are compiled against. */
export interface RuleGround {
  readonly loading: Loading;
  readonly source: Source;
  readonly compiler: Compiler;
  readonly vocabulary: Vocabulary;
  readonly mode: 'enforce' | 'monitor' | 'soft';
  readonly lists: ReadonlyMap<string, List>;
  /** Undefined where the installation is not at hand: a bundle that is loaded again. */
  readonly routes: readonly string[] | undefined;
}

/** Groups that are known whether or not a rule is in them: the ones of docs/policy.md §2, and malware. */
const KNOWN_GROUPS = ['reputation', 'greylist', 'spam', 'dmarc', 'malware'] as const;

export function loadRules(ground: RuleGround): Rule[] {
  const { loading, source } = ground;
  const replies = loadReplies(loading, source);
  const rules: Rule[] = [];
  const places = new Map<string, number>();
  loading.expect(source, STAGED.optional(), ['rules']);
  for (const stage of STAGES) {
    for (const [n] of loading.items(source, ['rules', stage])) {
      const path = ['rules', stage, n];
      const rule = loadRule(ground, replies, stage, path, rules.length);
      if (rule === undefined) continue;
      const line = places.get(rule.info.name);
      if (line !== undefined) {
        loading.wrong(
          source,
          [...path, 'name'],
          'value',
          `the name "${rule.info.name}" is taken in line ${line}`,
          'give each rule a name of its own',
        );
      }
      places.set(rule.info.name, rule.info.place.line);
      rules.push(rule);
    }
  }
  checkGroups(ground, rules);
  return rules;
}

function loadReplies(loading: Loading, source: Source): ReadonlyMap<string, NamedReply | undefined> {
  const replies = new Map<string, NamedReply | undefined>();
  loading.expect(source, NAMED.optional(), ['replies']);
  for (const [name] of loading.entries(source, ['replies'])) {
    const reply = loading.expect(source, REPLY, ['replies', name]);
    replies.set(name, reply);
    if (reply !== undefined && String(reply.code)[0] !== reply.enhanced[0]) {
      const message = `the code ${reply.code} and the enhanced code ${reply.enhanced} say different things`;
      loading.wrong(
        source,
        ['replies', name, 'enhanced'],
        'value',
        message,
        `begin it with ${String(reply.code)[0]} (RFC 3463 §3)`,
      );
    }
  }
  return replies;
}

type Written = { readonly [key: string]: unknown } & { readonly name: string; readonly group?: string };

function loadRule(
  ground: RuleGround,
  replies: ReadonlyMap<string, NamedReply | undefined>,
  stage: Stage,
  path: Path,
  index: number,
): Rule | undefined {
  const { loading, source, vocabulary } = ground;
  const written = loading.expect(source, RULE_OF_ANY_VERSION, path) as Written | undefined;
  if (written === undefined) return undefined;
  const later = LATER_ACTIONS.find((word) => Object.hasOwn(written, word));
  if (later !== undefined) {
    loading.wrong(
      source,
      [...path, later],
      'key',
      `the action ${later} is not available yet`,
      `there are: ${Object.keys(ACTIONS).join(', ')}`,
    );
    return undefined;
  }
  const words = Object.keys(ACTIONS).filter((word) => Object.hasOwn(written, word));
  const [word] = words;
  if (word === undefined || words.length > 1) {
    const message =
      word === undefined
        ? `the rule "${written.name}" does nothing`
        : `the rule "${written.name}" has ${words.length} actions: ${words.join(', ')}`;
    const remedy =
      word === undefined ? `give it one action: ${Object.keys(ACTIONS).join(', ')}` : 'write a rule for each';
    loading.wrong(
      source,
      word === undefined ? path : [...path, words[1]!],
      word === undefined ? 'value' : 'key',
      message,
      remedy,
    );
    return undefined;
  }
  const condition = loadCondition(ground, stage, [...path, 'when'], written.when);
  const action = loadAction(ground, replies, stage, [...path, word], word as keyof typeof ACTIONS, written[word]);
  if (condition === undefined || action === undefined) return undefined;
  const reads = [...condition.all, ...condition.any, ...condition.none].flatMap((expression) => expression.reads);
  const checks = instancesRead(reads, vocabulary);
  return {
    info: {
      index,
      name: written.name,
      group: written.group ?? '',
      stage,
      mode: strictest(ground.mode, written.mode as RuleGround['mode'] | undefined),
      action: word,
      place: source.place([...path, 'name'], 'key'),
      condition: sayCondition(written.when),
      reads: [...checks],
    },
    condition,
    action,
    checks,
  };
}

/** A policy that only watches has no rule that acts; a soft one has none that is hard. */
function strictest(policy: RuleGround['mode'], rule: RuleGround['mode'] | undefined): RuleGround['mode'] {
  if (policy === 'monitor' || rule === 'monitor') return 'monitor';
  return policy === 'soft' || rule === 'soft' ? 'soft' : 'enforce';
}

type WhenWritten = string | undefined | { readonly [part in 'all' | 'any' | 'none']?: readonly string[] };

function loadCondition(
  { loading, source, compiler, vocabulary }: RuleGround,
  stage: Stage,
  path: Path,
  written: unknown,
): Condition | undefined {
  const when = written as WhenWritten;
  let sound = true;
  const compile = (at: Path, text: string): Expression[] => {
    const found = expressionAt(loading, compiler, vocabulary, source, at, text, 'bool', stage);
    sound &&= found !== undefined;
    return found === undefined ? [] : [found];
  };
  if (when === undefined) return { all: [], any: [], none: [] };
  if (typeof when === 'string') {
    const all = compile(path, when);
    return sound ? { all, any: [], none: [] } : undefined;
  }
  if (Object.keys(when).length === 0) {
    loading.wrong(source, path, 'value', 'this condition is empty', 'leave `when:` out for a rule that always holds');
    return undefined;
  }
  const part = (name: 'all' | 'any' | 'none') =>
    (when[name] ?? []).flatMap((text, n) => compile([...path, name, n], text));
  const condition = { all: part('all'), any: part('any'), none: part('none') };
  return sound ? condition : undefined;
}

function sayCondition(written: unknown): string {
  const when = written as WhenWritten;
  if (when === undefined) return '';
  if (typeof when === 'string') return when.trim();
  return (['all', 'any', 'none'] as const)
    .flatMap((name) =>
      when[name] === undefined ? [] : [`${name}: ${when[name].map((text) => text.trim()).join(', ')}`],
    )
    .join('; ');
}

function loadAction(
  ground: RuleGround,
  replies: ReadonlyMap<string, NamedReply | undefined>,
  stage: Stage,
  path: Path,
  word: keyof typeof ACTIONS,
  written: unknown,
): Action | undefined {
  const { loading, source, vocabulary } = ground;
  const text = (at: Path, said: string) => templateAt(loading, vocabulary, source, at, said, stage);
  const ofMessage = (): void => {
    if (stage === 'data' || stage === 'content') return;
    loading.wrong(
      source,
      path,
      'key',
      `${word} needs the message, which is not there at ${stage}`,
      'move the rule to data or content',
    );
  };
  switch (word) {
    case 'reject':
    case 'defer':
      return loadRefusal(ground, replies, stage, path, word, written as Refusal);
    case 'quarantine': {
      ofMessage();
      const { class: kind, reason } = written as {
        class: Extract<Action, { kind: 'quarantine' }>['class'];
        reason: string;
      };
      return { kind: 'quarantine', class: kind, reason: text([...path, 'reason'], reason) };
    }
    case 'hold':
    case 'discard':
      ofMessage();
      return { kind: word, reason: text([...path, 'reason'], (written as { reason: string }).reason) };
    case 'accept':
      return { kind: 'accept' };
    case 'allow':
      return { kind: 'allow', skip: (written as { skip: readonly string[] }).skip };
    case 'add_header': {
      const { name, value } = written as { name: string; value: string };
      return { kind: 'add_header', name, value: text([...path, 'value'], value) };
    }
    case 'remove_header':
      return { kind: 'remove_header', name: written as string };
    case 'tag_subject':
      return { kind: 'tag_subject', tag: text(path, written as string) };
    case 'strip_attachments':
      return loadStrip(ground, stage, path, written as StripWritten);
    case 'redirect':
    case 'bcc':
      return loadWay(ground, path, word, written as string);
    case 'score':
      return { kind: 'score', score: written as number };
    case 'route': {
      const route = written as string;
      if (ground.routes !== undefined && !ground.routes.includes(route)) {
        const remedy = `${didYouMean(route, ground.routes)} there are: ${ground.routes.join(', ')}`.trim();
        loading.wrong(source, path, 'value', `there is no route "${route}"`, remedy);
      }
      return { kind: 'route', route };
    }
    case 'suspend':
      if (stage === 'connect' || stage === 'helo')
        loading.wrong(source, path, 'key', `nobody has logged in at ${stage}`, 'move the rule to mail or later');
      return { kind: 'suspend', span: (written as { for: number }).for };
    case 'notify':
      return loadNotify(ground, stage, path, written as { to?: string; text: string });
    case 'note':
      return { kind: 'note', text: text(path, written as string) };
  }
}

function loadRefusal(
  { loading, source, vocabulary }: RuleGround,
  replies: ReadonlyMap<string, NamedReply | undefined>,
  stage: Stage,
  path: Path,
  word: 'reject' | 'defer',
  written: Refusal,
): Action | undefined {
  if (written.speak !== undefined && stage !== 'connect' && stage !== 'helo') {
    loading.wrong(
      source,
      [...path, 'speak'],
      'key',
      `at ${stage} a refusal is always spoken at once`,
      'leave `speak:` out',
    );
  }
  let reply: Refusal = written;
  let at = path;
  if (written.use !== undefined) {
    at = ['replies', written.use];
    const named = replies.get(written.use);
    if (!replies.has(written.use)) {
      const near = didYouMean(written.use, replies.keys());
      const remedy = near === '' ? `declare it: \`replies: { ${written.use}: { code, enhanced, text } }\`` : near;
      loading.wrong(source, [...path, 'use'], 'value', `there is no reply "${written.use}"`, remedy);
    }
    if (named === undefined) return undefined;
    const first = word === 'reject' ? '5' : '4';
    if (String(named.code)[0] !== first) {
      const message = `${word} answers ${first}yz, and the reply "${written.use}" is ${named.code}`;
      loading.wrong(
        source,
        [...path, 'use'],
        'value',
        message,
        word === 'reject' ? 'use defer, or another reply' : 'use reject, or another reply',
      );
    }
    reply = { ...named } as Refusal;
  }
  const text = templateAt(loading, vocabulary, source, [...at, 'text'], reply.text ?? '', stage);
  const help =
    reply.help === undefined ? undefined : templateAt(loading, vocabulary, source, [...at, 'help'], reply.help, stage);
  return {
    kind: word,
    code: reply.code ?? 550,
    enhanced: reply.enhanced ?? '',
    text,
    help,
    speak: written.speak ?? 'rcpt',
  };
}

/** A group nobody is in is a slip of the hand, unless the language knows it. */
function checkGroups({ loading, source }: RuleGround, rules: readonly Rule[]): void {
  const groups = new Set<string>([
    ...KNOWN_GROUPS,
    ...rules.map(({ info }) => info.group).filter((group) => group !== ''),
  ]);
  for (const stage of STAGES) {
    for (const [n] of loading.items(source, ['rules', stage])) {
      for (const [k, group] of loading.items(source, ['rules', stage, n, 'allow', 'skip'])) {
        if (typeof group !== 'string' || groups.has(group)) continue;
        const remedy = `${didYouMean(group, groups)} there are: ${[...groups].join(', ')}`.trim();
        loading.wrong(
          source,
          ['rules', stage, n, 'allow', 'skip', k],
          'value',
          `no rule is in the group "${group}"`,
          remedy,
        );
      }
    }
  }
}
