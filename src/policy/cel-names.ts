/** Names of ours that CEL cannot say, and how they stand in what CEL is given; lengths stay, so that places do. */

/** CEL keeps `null` for itself, and our word for the null reverse-path is `mail.null`. */
const NULL_IN_CEL = 'nul_';

/** The text of an expression as CEL reads it. A tenant's lists are a root of their own, since `tenant` is a text. */
export const celText = (text: string): string =>
  text.replace(/\btenant\.lists\b(?=\.)/g, 'tenant_lists').replace(/(?<=\bmail\.)null\b/g, NULL_IN_CEL);

/** The name of a fact in CEL. */
export const inCel = (name: string): string => (name === 'null' ? NULL_IN_CEL : name);

/** The name of a fact from CEL. */
export const fromCel = (name: string): string => (name === NULL_IN_CEL ? 'null' : name);
