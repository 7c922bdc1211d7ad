/** What rspamd answers to `/checkv2`: one JSON object, of which we take score, action and symbols. */
import { z } from 'zod';
import { clean } from '../../mail/reply.ts';
import { ServiceError, type SpamVerdict } from '../../ports/services.ts';
import { SYMBOLS_MAX, symbol } from './symbol.ts';

const ANSWER = z.object({
  score: z.number(),
  required_score: z.number(),
  action: z.string(),
  symbols: z.record(z.string(), z.object({ score: z.number(), description: z.string().optional() })),
  error: z.undefined().optional(),
});

export function readCheck(text: string): SpamVerdict {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ServiceError('garbage', `"${clean(text, 200)}" is no JSON`);
  }
  const read = ANSWER.safeParse(json);
  if (!read.success) throw new ServiceError('garbage', `"${clean(text, 200)}" is no verdict`);
  const { score, required_score: required, action, symbols } = read.data;
  const found = Object.entries(symbols).map(([name, one]) => symbol(name, one.score, one.description ?? ''));
  // Those that weigh most are kept, when there are more than a record takes.
  if (found.length > SYMBOLS_MAX) found.sort((a, b) => Math.abs(b.score) - Math.abs(a.score));
  return { score, required, action: clean(action, ACTION_MAX), symbols: found.slice(0, SYMBOLS_MAX) };
}

/** Longest of its own is `rewrite subject`; an operator may name others. */
const ACTION_MAX = 60;
