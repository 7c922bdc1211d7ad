/** The CEL environment of a policy: every root with its type, the functions of the language, numbers that mix. */
import { Environment, EvaluationError } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { getDomain } from 'tldts';
import { toAscii } from '../mail/address.ts';
import { parseIp, parseRange, rangeContains } from '../mail/ip.ts';
import { inCel } from './cel-names.ts';
import type { FactType, Root } from './fact-types.ts';
import type { List } from './policy.ts';

/** Bounds of one expression: what a person can still read, and what cannot cost a message anything. */
export const EXPRESSION_LIMITS = {
  /** Characters. */
  length: 2000,
  maxAstNodes: 400,
  maxDepth: 40,
  maxListElements: 200,
  maxMapEntries: 50,
  maxCallArguments: 8,
  /** `exists` within `exists` multiplies what it costs. */
  nested: 2,
} as const;

/** Functions the language knows, by themselves or behind a dot; anything else is refused by name. */
export const FUNCTIONS = [
  ...['is_local', 'header', 'headers', 'rx', 'rx_body', 'in_network', 'org_domain', 'known'],
  ...['size', 'string', 'double', 'int', 'startsWith', 'endsWith', 'contains', 'lowerAscii', 'upperAscii', 'trim'],
  ...['indexOf', 'lastIndexOf', 'substring', 'split', 'join', 'exists', 'exists_one', 'all', 'filter', 'map'],
] as const;

/** A list, told by its kind so that the wrong one is a load error. `has` is asked at the record's time. */
export class NamedList {
  readonly list: List;
  readonly at: number;
  constructor(list: List, at: number) {
    this.list = list;
    this.at = at;
  }
}
class NetworkList extends NamedList {}
class DomainList extends NamedList {}
export class AddressList extends NamedList {}
class PatternList extends NamedList {}
class WordList extends NamedList {}

export const LIST_TYPES = {
  network: NetworkList,
  domain: DomainList,
  address: AddressList,
  pattern: PatternList,
  word: WordList,
} as const;

/** `hosted` says whether a domain is one of ours. */
export function environmentOf(roots: Iterable<Root>, hosted: (domain: string) => boolean, find: Find): Environment {
  const env = new Environment({
    limits: {
      maxAstNodes: EXPRESSION_LIMITS.maxAstNodes,
      maxDepth: EXPRESSION_LIMITS.maxDepth,
      maxListElements: EXPRESSION_LIMITS.maxListElements,
      maxMapEntries: EXPRESSION_LIMITS.maxMapEntries,
      maxCallArguments: EXPRESSION_LIMITS.maxCallArguments,
    },
  });
  for (const type of Object.values(LIST_TYPES)) {
    env.registerType(type.name, type);
    env.registerOperator(`string in ${type.name}`, (value: string, { list, at }: NamedList) => list.has(value, at));
  }
  registerNumbers(env);
  registerFunctions(env, hosted, find);
  let records = 0;
  const declared = (type: FactType): string | object =>
    type.kind === 'object'
      ? Object.fromEntries(Object.entries(type.fields).map(([name, field]) => [inCel(name), declared(field)]))
      : named(type);
  /** By a name: what stands in a list, or in what stands in one, must have one. */
  const named = (type: FactType): string => {
    switch (type.kind) {
      case 'text':
        return 'string';
      case 'number':
        return 'double';
      case 'flag':
        return 'bool';
      case 'named':
        return LIST_TYPES[type.list].name;
      case 'list':
        return `list<${named(type.of)}>`;
      case 'map':
        return `map<string, ${named(type.of)}>`;
      case 'object': {
        const fields = Object.entries(type.fields).map(([name, field]) => [inCel(name), named(field)] as const);
        const name = `Record${++records}`;
        env.registerType({ name, fields: Object.fromEntries(fields) } as never);
        return name;
      }
    }
  };
  for (const { name, type } of roots) {
    const how = declared(type);
    if (typeof how === 'string') env.registerVariable(name, how as never);
    else env.registerVariable({ name, schema: how } as never);
  }
  return env;
}

/** Facts are doubles, literals such as `4` are ints: they mix. */
function registerNumbers(env: Environment): void {
  const mixed = {
    '+': (a: number, b: number) => a + b,
    '-': (a: number, b: number) => a - b,
    '*': (a: number, b: number) => a * b,
    '/': (a: number, b: number) => a / b,
  };
  for (const [left, right] of [
    ['double', 'int'],
    ['int', 'double'],
  ] as const) {
    for (const [op, apply] of Object.entries(mixed)) {
      env.registerOperator(`${left} ${op} ${right}: double`, (a, b) => apply(Number(a), Number(b)));
    }
  }
  env.registerOperator('double == int', (a, b) => Number(a) === Number(b));
  env.registerOperator('double in list<int>', (a: number, list: readonly bigint[]) =>
    list.some((b) => Number(b) === a),
  );
}

function registerFunctions(env: Environment, hosted: (domain: string) => boolean, find: Find): void {
  env.registerFunction('is_local(string): bool', (domain: string) => hosted(toAscii(domain) ?? domain.toLowerCase()));
  env.registerFunction('org_domain(string): string', orgDomain);
  env.registerFunction('in_network(string, string): bool', inNetwork);
  env.registerFunction('rx(string, string): bool', (text: string, pattern: string) => find(pattern, text));
  // Typed here, answered beside the expression: see asking.ts.
  for (const signature of [
    ...['header(string): string', 'headers(string): list<string>', 'known(dyn): bool', 'rx_body(string): bool'],
  ]) {
    env.registerFunction(signature, () => {
      throw new Error(`Cannot call ${signature} as it must be answered before the expression is run`);
    });
  }
}

/** The domain a person would call its owner's: `example.co.uk` for `mail.example.co.uk`. Private suffixes count. */
function orgDomain(domain: string): string {
  const ascii = toAscii(domain) ?? domain.toLowerCase();
  return getDomain(ascii, { allowPrivateDomains: true }) ?? ascii;
}

function inNetwork(ip: string, cidr: string): boolean {
  const address = parseIp(ip);
  const range = parseRange(cidr);
  if (range === undefined) throw new EvaluationError(`Cannot compare with "${cidr}" as it must be a CIDR range`);
  return address !== undefined && rangeContains(range, address);
}

/** Does the pattern occur in the text? */
export type Find = (pattern: string, text: string) => boolean;

/** Patterns are literals of the policy, so each is compiled once. Linear in the length of the text (RE2). */
export function patternFinder(): Find {
  const compiled = new Map<string, RE2JS>();
  return (pattern, text) => {
    const machine = compiled.get(pattern) ?? RE2JS.compile(pattern);
    compiled.set(pattern, machine);
    return machine.matcher(text).find();
  };
}
