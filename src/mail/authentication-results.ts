/** Authentication-Results (RFC 8601): what we found, told to those behind us, and whose name such a field bears. */
import { toAscii } from './address.ts';

export interface AuthenticationMethod {
  /** `spf`, `dkim`, `dmarc`, `arc`, `iprev`, `auth`. */
  readonly method: string;
  readonly result: string;
  readonly reason?: string;
  /** In order: `['smtp', 'mailfrom', 'a@example.org']` gives `smtp.mailfrom=a@example.org`. */
  readonly properties: readonly (readonly [type: string, property: string, value: string])[];
}

/** The field's value, not folded. Values are quoted where they must be, and hold nothing that could end the field. */
export function composeAuthenticationResults(authservId: string, methods: readonly AuthenticationMethod[]): string {
  if (methods.length === 0) return `${tokenOrQuoted(authservId)}; none`; // RFC 8601 §2.2
  return [tokenOrQuoted(authservId), ...methods.map(resinfo)].join('; ');
}

/** The authserv-id of such a field, as lower-case A-labels where it is a domain; undefined where there is none. */
export function parseAuthservId(value: string): string | undefined {
  const start = skipComments(value, 0);
  const quoted = value[start] === '"' ? /"((?:[^"\\]|\\.)*)"/sy : undefined;
  let id: string | undefined;
  if (quoted === undefined) {
    TOKEN_START.lastIndex = start;
    id = TOKEN_START.exec(value)?.[0];
  } else {
    quoted.lastIndex = start;
    id = quoted.exec(value)?.[1]?.replace(/\\(.)/gs, '$1');
  }
  // What follows (a version, a comment, results) is not looked at: a forged field goes whatever it says.
  return id === undefined ? undefined : (toAscii(id) ?? id.toLowerCase());
}

const VALUE_MAX = 512; // of one value: more than any domain, selector or address holds
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`{|}~-]+$/; // RFC 2045 §5.1
const TOKEN_START = /[^\s()<>@,;:\\"/[\]?=\x00-\x1f\x7f]+/y;
/** `[[local-part] "@"] domain-name` needs no quotes (RFC 8601 §2.2). */
const ADDRESS = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]*@[A-Za-z0-9.-]+$/;

function resinfo({ method, result, reason, properties }: AuthenticationMethod): string {
  const why = reason === undefined || reason === '' ? [] : [`reason=${tokenOrQuoted(reason)}`];
  const props = properties
    .filter(([, , value]) => value !== '')
    .map(
      ([type, property, value]) =>
        `${type}.${property}=${TOKEN.test(value) || ADDRESS.test(value) ? cut(value) : tokenOrQuoted(value)}`,
    );
  return [`${method}=${result}`, ...why, ...props].join(' ');
}

/** A token, else a quoted string (RFC 8601 §2.2 `value`); control characters become blanks. */
function tokenOrQuoted(text: string): string {
  const bounded = cut(text);
  return TOKEN.test(bounded) ? bounded : `"${bounded.replace(/[\x00-\x1f\x7f-\x9f]/g, ' ').replace(/["\\]/g, '\\$&')}"`;
}

const cut = (text: string): string => text.slice(0, VALUE_MAX);

/** Past white space and comments, which nest (RFC 5322 §3.2.2). */
function skipComments(value: string, start: number): number {
  let depth = 0;
  for (let index = start; index < value.length; index++) {
    const at = value[index]!;
    if (depth > 0 && at === '\\') index++;
    else if (at === '(') depth++;
    else if (depth > 0 && at === ')') depth--;
    else if (depth === 0 && !/\s/.test(at)) return index;
  }
  return value.length;
}
