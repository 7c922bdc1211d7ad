/** The stages of a transaction, in the order in which they come. */

export const STAGES = ['connect', 'helo', 'mail', 'rcpt', 'data', 'content'] as const;
export type Stage = (typeof STAGES)[number];

export const isBefore = (a: Stage, b: Stage): boolean => STAGES.indexOf(a) < STAGES.indexOf(b);
export const notAfter = (a: Stage, b: Stage): boolean => STAGES.indexOf(a) <= STAGES.indexOf(b);
