/** Reads an expression's tree as the policy means it: which facts it reads, which words and lists it names, what is wrong with it. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { didYouMean } from '../language/nearest.ts';
import { parseRange } from '../mail/ip.ts';
import { fromCel } from './cel-names.ts';
import { EXPRESSION_LIMITS, FUNCTIONS } from './environment.ts';
import { type FactType, fieldAt, listKindOf, type Root } from './fact-types.ts';

/** A mistake, by its place in the expression's text. */
export interface Flaw {
  readonly start: number;
  readonly message: string;
  readonly remedy: string;
}

/** A fact that is read: its root, what stands behind it, and where. */
export interface Read {
  readonly root: string;
  readonly path: readonly string[];
  readonly type: FactType;
  readonly start: number;
  /** The define through which it is read, or ''. */
  readonly through: string;
}

/** Text that is answered beside the expression: `known(…)`, `header('…')`, and what hangs on headers alone. */
export interface Aside {
  readonly kind: 'known' | 'call';
  readonly start: number;
  readonly end: number;
  readonly node: ASTNode;
  /** Of `known`. */
  readonly read: Read | undefined;
}

/** What names may stand in an expression. */
export interface Names {
  readonly roots: ReadonlyMap<string, Root>;
  readonly defines: ReadonlySet<string>;
  /** A sentence and a remedy for a root that is not there. */
  missing(root: string): { readonly message: string; readonly remedy: string };
}

export interface Walked {
  readonly flaws: readonly Flaw[];
  readonly reads: readonly Read[];
  readonly asides: readonly Aside[];
  readonly defines: readonly { readonly name: string; readonly start: number }[];
  /** Something in it can be answered though a part cannot: `&&`, `||`, `? :`, `exists`. */
  readonly absorbs: boolean;
}

/** What a node is, as far as facts go: its type and its name, whose last word tells which lists it fits. */
interface Seen {
  readonly type: FactType | undefined;
  readonly name: string;
}
type Bound = ReadonlyMap<string, Seen>;

const NOTHING: Seen = { type: undefined, name: '' };
const MACROS: readonly string[] = ['exists', 'exists_one', 'all', 'filter', 'map'];

export function walkExpression(ast: ASTNode, names: Names): Walked {
  const flaws: Flaw[] = [];
  const reads: Read[] = [];
  const asides: Aside[] = [];
  const defines: { name: string; start: number }[] = [];
  let absorbs = false;
  const flaw = (start: number, message: string, remedy: string): Seen => {
    flaws.push({ start, message, remedy });
    return NOTHING;
  };

  const walk = (node: ASTNode, bound: Bound, depth: number): Seen => {
    switch (node.op) {
      case 'value':
        return NOTHING;
      case 'id':
      case '.':
        return path(node, bound, depth);
      case '[]': {
        const of = walk(node.args[0], bound, depth);
        walk(node.args[1], bound, depth);
        return index(node.args[1], of);
      }
      case 'call':
        return call(node, bound, depth);
      case 'rcall':
        return method(node, bound, depth);
      case 'list':
        for (const item of node.args) walk(item, bound, depth);
        return NOTHING;
      case 'map':
        for (const [key, value] of node.args) for (const part of [key, value]) walk(part, bound, depth);
        return NOTHING;
      case '!_':
      case '-_':
        walk(node.args, bound, depth);
        return NOTHING;
      case '?:':
        absorbs = true;
        for (const part of node.args) walk(part, bound, depth);
        return NOTHING;
      case '.?':
      case '[?]':
        return flaw(node.start, 'facts are never optional', 'write `.`; whether a fact is known says known(fact)');
      default: {
        absorbs ||= node.op === '&&' || node.op === '||';
        const left = walk(node.args[0], bound, depth);
        const right = walk(node.args[1], bound, depth);
        if (node.op === '==' || node.op === '!=') {
          word(left, node.args[1]);
          word(right, node.args[0]);
        }
        if (node.op === 'in') membership(node.args[0], left, node.args[1], right);
        return NOTHING;
      }
    }
  };

  /** `client.ip`, `forwarder`, `lists.partners`, `tenant_lists.allow`, or a name bound by `exists`. */
  const path = (node: ASTNode, bound: Bound, depth: number): Seen => {
    const steps: string[] = [];
    let at = node;
    while (at.op === '.') {
      steps.unshift(fromCel(at.args[1]));
      at = at.args[0];
    }
    if (at.op !== 'id') {
      const of = walk(at, bound, depth);
      return of.type === undefined ? NOTHING : { type: fieldAt(of.type, steps), name: [of.name, ...steps].join('.') };
    }
    const local = bound.get(at.args);
    if (local !== undefined) {
      return {
        type: local.type && inside(node, local.type, local.name, steps),
        name: [local.name, ...steps].join('.'),
      };
    }
    if (names.defines.has(at.args) && steps.length === 0) {
      defines.push({ name: at.args, start: at.start });
      return NOTHING;
    }
    const root = names.roots.get(at.args);
    if (root === undefined) {
      const { message, remedy } = names.missing(at.args);
      return flaw(at.start, message, remedy);
    }
    const type = inside(node, root.type, root.name, steps);
    if (type === undefined) return NOTHING;
    reads.push({ root: root.name, path: steps, type, start: at.start, through: '' });
    return { type, name: [root.name, ...steps].join('.') };
  };

  /** What stands below a fact, or below one of a list; what is not there is told with what is. */
  const inside = (node: ASTNode, of: FactType, name: string, steps: readonly string[]): FactType | undefined => {
    let type = of;
    for (const [n, step] of steps.entries()) {
      const next = fieldAt(type, [step]);
      if (next === undefined || (type.kind === 'map' && type.keys?.includes(step) === false)) {
        const said = [name, ...steps.slice(0, n)].join('.');
        const valid = type.kind === 'object' ? Object.keys(type.fields) : type.kind === 'map' ? (type.keys ?? []) : [];
        flaw(
          node.end - steps.slice(n).join('.').length,
          `there is no ${said}.${step}`,
          valid.length === 0
            ? `${said} has no parts`
            : `${didYouMean(step, valid)} ${said} has: ${valid.join(', ')}`.trim(),
        );
        return undefined;
      }
      type = next;
    }
    return type;
  };

  const index = (key: ASTNode, of: Seen): Seen => {
    if (of.type?.kind === 'list') return { type: of.type.of, name: of.name };
    if (of.type?.kind !== 'map') return NOTHING;
    if (key.op === 'value' && typeof key.args === 'string' && of.type.keys?.includes(key.args) === false) {
      return flaw(
        key.start,
        `there is no "${key.args}" in this table`,
        `${didYouMean(key.args, of.type.keys)} it has: ${of.type.keys.join(', ')}`.trim(),
      );
    }
    return { type: of.type.of, name: of.name };
  };

  /** A literal compared with a fact of few words must be one of them. */
  const word = (fact: Seen, literal: ASTNode): void => {
    if (fact.type?.kind !== 'text' || fact.type.words === undefined) return;
    if (literal.op !== 'value' || typeof literal.args !== 'string' || fact.type.words.includes(literal.args)) return;
    const near = didYouMean(literal.args, fact.type.words);
    flaw(
      literal.start,
      `${fact.name} is never '${literal.args}'`,
      `${near} its words are: ${fact.type.words.join(', ')}`.trim(),
    );
  };

  const membership = (leftNode: ASTNode, left: Seen, rightNode: ASTNode, right: Seen): void => {
    if (rightNode.op === 'list') for (const item of rightNode.args) word(left, item);
    if (right.type?.kind === 'list') word({ type: right.type.of, name: right.name }, leftNode);
    if (right.type?.kind !== 'named' || left.name === '') return;
    const kind = right.type.list;
    if (kind === 'word' || kind === 'pattern') return;
    const fits = listKindOf(left.name.split('.').at(-1)!);
    if (fits === kind) return;
    const holds = { network: 'addresses and ranges', domain: 'domains', address: 'mail addresses' }[kind];
    flaw(
      leftNode.start,
      `${left.name} cannot be in ${right.name}: it is a list of kind ${kind} and holds ${holds}`,
      fits === undefined
        ? `only lists of kind word or pattern fit ${left.name}`
        : `a list of kind ${fits} fits ${left.name}`,
    );
  };

  const call = (node: Extract<ASTNode, { op: 'call' }>, bound: Bound, depth: number): Seen => {
    const [name, args] = node.args;
    if (!(FUNCTIONS as readonly string[]).includes(name)) return unknownFunction(node.start, name);
    const before = { reads: reads.length, asides: asides.length };
    const seen = args.map((arg) => walk(arg, bound, depth));
    if (name === 'known') {
      const read = reads.at(-1);
      if (args[0] === undefined || !isPath(args[0]) || read === undefined || reads.length !== before.reads + 1) {
        return flaw(node.start, 'known() takes one fact', 'write known(spf.result), or known(spf) for the whole check');
      }
      asides.push({ kind: 'known', start: node.start, end: node.end, node, read });
      return NOTHING;
    }
    if (name === 'header' || name === 'headers') {
      if (!isText(args[0]))
        return flaw(node.start, `${name}() takes a field's name in quotes`, `write ${name}('list-id')`);
      asides.push({ kind: 'call', start: node.start, end: node.end, node, read: undefined });
    }
    if (name === 'rx') {
      if (!isText(args[1])) return flaw(node.start, 'rx() takes its pattern in quotes', "write rx(text, 'pattern')");
      const bad = patternTrouble(args[1].args);
      if (bad !== '')
        flaw(
          args[1].start,
          `the pattern does not compile: ${bad}`,
          'patterns are RE2: no look-around, no back-references',
        );
      const text = args[0];
      // A pattern over a header is answered as a whole, so that the record keeps the answer and not the text.
      if (text?.op === 'call' && text.args[0] === 'header') {
        asides.length = before.asides;
        asides.push({ kind: 'call', start: node.start, end: node.end, node, read: undefined });
      }
    }
    if (name === 'rx_body') {
      if (!isText(args[0]))
        return flaw(node.start, 'rx_body() takes its pattern in quotes', "write rx_body('pattern')");
      const bad = patternTrouble(args[0].args);
      if (bad !== '')
        flaw(
          args[0].start,
          `the pattern does not compile: ${bad}`,
          'patterns are RE2: no look-around, no back-references',
        );
      asides.push({ kind: 'call', start: node.start, end: node.end, node, read: undefined });
    }
    if (name === 'in_network' && isText(args[1]) && parseRange(args[1].args) === undefined) {
      flaw(args[1].start, `'${args[1].args}' is not a range`, "write it as '192.0.2.0/24' or '2001:db8::/32'");
    }
    return name === 'string' ? (seen[0] ?? NOTHING) : NOTHING;
  };

  const method = (node: Extract<ASTNode, { op: 'rcall' }>, bound: Bound, depth: number): Seen => {
    const [name, receiver, args] = node.args;
    if (name === 'matches') {
      flaw(node.start, 'matches() can take for ever on some texts', "write rx(text, 'pattern'), which is linear");
    } else if (!(FUNCTIONS as readonly string[]).includes(name)) unknownFunction(node.start, `${name}`);
    absorbs ||= MACROS.includes(name);
    const of = walk(receiver, bound, depth);
    const variable = args[0];
    if (!MACROS.includes(name) || variable?.op !== 'id') {
      for (const arg of args) walk(arg, bound, depth);
      return NOTHING;
    }
    if (depth >= EXPRESSION_LIMITS.nested) {
      return flaw(node.start, `${name}() stands inside ${depth} others`, 'at most two may stand in each other');
    }
    const element: Seen = of.type?.kind === 'list' ? { type: of.type.of, name: of.name } : NOTHING;
    const inner = new Map(bound).set(variable.args, element);
    for (const arg of args.slice(1)) walk(arg, inner, depth + 1);
    return name === 'filter' ? of : NOTHING;
  };

  const unknownFunction = (start: number, name: string): Seen =>
    flaw(
      start,
      name === 'has' ? 'facts are total, so that has() says nothing' : `there is no function ${name}()`,
      name === 'has'
        ? 'whether a fact is known says known(fact)'
        : `${didYouMean(name, FUNCTIONS)} there are: ${FUNCTIONS.join(', ')}`.trim(),
    );

  walk(ast, new Map(), 0);
  return { flaws, reads, asides, defines, absorbs };
}

const isText = (node: ASTNode | undefined): node is Extract<ASTNode, { op: 'value' }> & { args: string } =>
  node?.op === 'value' && typeof node.args === 'string';

function isPath(node: ASTNode): boolean {
  return node.op === 'id' || (node.op === '.' && isPath(node.args[0]));
}

function patternTrouble(pattern: string): string {
  try {
    RE2JS.compile(pattern);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
