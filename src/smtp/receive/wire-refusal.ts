/** A refusal of the wire's own, as a session is told of it. */
import { WIRE_REFUSALS, type WireReason } from './refusals.ts';
import type { WireRefusal } from './session.ts';

/** `text` in place of the usual one; `said`: what the client wrote. */
export function wireRefusal(
  reason: WireReason,
  command: WireRefusal['command'],
  said: string,
  text?: string,
): WireRefusal {
  const { reply, close } = WIRE_REFUSALS[reason];
  return { reason, reply: text === undefined ? reply : { ...reply, text }, command, text: said, close };
}
