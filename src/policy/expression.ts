/** An expression of a policy: checked whole when it is loaded, answered with a value, `pending` or `unknown` when it is asked. */
import { type ASTNode, TypeError as CelTypeError, type Environment, ParseError, serialize } from '@marcbachmann/cel-js';
import { celText } from './cel-names.ts';
import { EXPRESSION_LIMITS, type Find } from './environment.ts';
import { type Aside, type Flaw, type Names, type Read, walkExpression } from './expression-walk.ts';
import type { ExpressionType } from './options.ts';

export interface Expression {
  /** As written. */
  readonly text: string;
  readonly type: string;
  /** Everything it reads, through defines too. */
  readonly reads: readonly Read[];
  /** Every fact it reads is needed: nothing in it can be answered without. */
  readonly strict: boolean;
  /** The first place where it asks for a header of the message, and through which define. */
  readonly header: { readonly start: number; readonly through: string } | undefined;
  /** Variables of what is answered beside it, through defines too. */
  readonly asides: readonly string[];
  /** Runs it over a context; throws where something it needs is not there. */
  run(context: object): unknown;
}

/** All expressions of one policy are compiled by one of these, defines first. */
export interface Compiler {
  readonly env: Environment;
  readonly find: Find;
  readonly names: Names;
  /** Defines that are compiled, by name. */
  readonly defines: Map<string, Expression>;
  /** Texts answered beside the expressions, by the variable that stands for each. */
  readonly asides: Map<string, NamedAside>;
}

export interface NamedAside {
  readonly variable: string;
  readonly kind: Aside['kind'];
  /** Canonical text of the call: the key in a record's `calls`. */
  readonly call: string;
  readonly read: Read | undefined;
  /** Of a call: what is asked of which header field. */
  readonly header: HeaderQuestion | undefined;
}

export type HeaderQuestion =
  | { readonly kind: 'first'; readonly field: string }
  | { readonly kind: 'every'; readonly field: string }
  | { readonly kind: 'matches'; readonly field: string; readonly pattern: string }
  /** Of the text of the message, no field. */
  | { readonly kind: 'body'; readonly pattern: string };

export type Compilation =
  | { readonly kind: 'ok'; readonly expression: Expression }
  | { readonly kind: 'bad'; readonly flaws: readonly Flaw[] };

const CEL_TYPE: { readonly [type in ExpressionType]: readonly string[] } = {
  bool: ['bool'],
  string: ['string'],
  number: ['double', 'int'],
  words: ['list<string>'],
};

/** `wanted` undefined: any type a define may have. */
export function compileExpression(compiler: Compiler, text: string, wanted: ExpressionType | undefined): Compilation {
  const bad = (...flaws: Flaw[]): Compilation => ({ kind: 'bad', flaws });
  if (text.length > EXPRESSION_LIMITS.length) {
    const remedy = `at most ${EXPRESSION_LIMITS.length}: give parts of it a name under \`define:\``;
    return bad({ start: 0, message: `the expression has ${text.length} characters`, remedy });
  }
  const source = celText(text);
  try {
    const parsed = compiler.env.parse(source);
    const walked = walkExpression(parsed.ast, compiler.names);
    if (walked.flaws.length > 0) return bad(...walked.flaws);
    const checked = parsed.check();
    if (!checked.valid) return bad(flawOf(checked.error));
    const type = checked.type ?? 'dyn';
    const allowed = wanted === undefined ? ['bool', 'string', 'double', 'int', 'list<string>'] : CEL_TYPE[wanted];
    if (!allowed.includes(type)) {
      const what = `the expression is ${sayType(type)}, not ${allowed.map(sayType).join(' or ')}`;
      return bad({
        start: 0,
        message: what,
        remedy: wanted === 'bool' ? 'compare it with something' : 'read another fact',
      });
    }
    const standing = standIns(compiler, source, walked.asides);
    const run = compiler.env.parse(standing.text);
    run.check();
    const through = walked.defines.flatMap(({ name, start }) =>
      (compiler.defines.get(name)?.reads ?? []).map((read) => ({ ...read, start, through: name })),
    );
    const own = walked.asides.find(({ kind }) => kind === 'call');
    const other = walked.defines.find(({ name }) => compiler.defines.get(name)?.header !== undefined);
    const header =
      own !== undefined ? { start: own.start, through: '' } : other && { start: other.start, through: other.name };
    const asides = [
      ...standing.variables,
      ...walked.defines.flatMap(({ name }) => compiler.defines.get(name)?.asides ?? []),
    ];
    const strict = !walked.absorbs && walked.defines.length === 0 && walked.asides.every(({ kind }) => kind === 'call');
    return {
      kind: 'ok',
      expression: { text, type, reads: [...walked.reads, ...through], strict, header, asides, run },
    };
  } catch (error) {
    if (error instanceof ParseError || error instanceof CelTypeError) return bad(flawOf(error));
    throw error;
  }
}

/** The names of defines an expression uses; none when it does not parse. */
export function definesUsed(compiler: Compiler, text: string): readonly string[] {
  try {
    return walkExpression(compiler.env.parse(celText(text)).ast, compiler.names).defines.map(({ name }) => name);
  } catch (error) {
    if (error instanceof ParseError) return [];
    throw error;
  }
}

/** Puts a variable in the place of each text that is answered beside the expression. */
function standIns(compiler: Compiler, source: string, asides: readonly Aside[]): { text: string; variables: string[] } {
  let rewritten = source;
  const variables: string[] = [];
  for (const { kind, start, end, node, read } of [...asides].sort((a, b) => b.start - a.start)) {
    const call = serialize(node);
    let named = [...compiler.asides.values()].find((known) => known.call === call);
    if (named === undefined) {
      const header = kind === 'call' ? headerQuestion(node) : undefined;
      named = { variable: `aside_${compiler.asides.size}`, kind, call, read, header };
      compiler.asides.set(named.variable, named);
      compiler.env.registerVariable(named.variable, header === undefined ? 'bool' : HEADER_TYPE[header.kind]);
    }
    variables.push(named.variable);
    rewritten = `${rewritten.slice(0, start)}${named.variable}${rewritten.slice(end)}`;
  }
  return { text: rewritten, variables };
}

const HEADER_TYPE = { first: 'string', every: 'list<string>', matches: 'bool', body: 'bool' } as const;

function headerQuestion(node: ASTNode): HeaderQuestion {
  if (node.op !== 'call') throw new TypeError(`Cannot ask a header as it must be a call: ${node.op}`);
  const [name, [first, second]] = node.args;
  if (name === 'rx_body') return { kind: 'body', pattern: String(first?.args) };
  if (name !== 'rx') return { kind: name === 'header' ? 'first' : 'every', field: String(first?.args) };
  const field = first?.op === 'call' ? String(first.args[1][0]?.args) : '';
  return { kind: 'matches', field, pattern: String(second?.args) };
}

function flawOf(error: ParseError | CelTypeError | undefined): Flaw {
  const summary = error?.summary ?? 'the expression cannot be read';
  const overload = /^no such overload: (.+?) (\S+) (.+)$/.exec(summary);
  const start = error?.range?.start ?? 0;
  if (overload !== null) {
    const [, left, op, right] = overload;
    const message = `${sayType(left!)} ${op} ${sayType(right!)} means nothing`;
    return { start, message, remedy: 'both sides must be of one type: a text stands in quotes, a number without' };
  }
  if (error instanceof ParseError) {
    return { start, message: `the expression cannot be read: ${summary}`, remedy: REMEDY_PARSE };
  }
  return { start, message: summary, remedy: 'see the facts and functions of the reference' };
}

const REMEDY_PARSE = "an expression reads like: spf.result == 'fail' && dnsbl.score > 0";

const SAID: { readonly [type: string]: string } = {
  bool: 'true or false',
  string: 'a text',
  double: 'a number',
  int: 'a number',
  'list<string>': 'a list of texts',
};
const sayType = (type: string): string => SAID[type] ?? (type.startsWith('$') ? 'a group of facts' : type);
