/** How long we wait for a next hop, step by step (RFC 5321 §4.5.3.2): its minimums, but for the connection. */
import { type Millis, minutes, seconds } from '../../mail/time.ts';

export interface Deadlines {
  readonly connect: Millis;
  readonly greeting: Millis;
  /** EHLO, HELO, LHLO, STARTTLS, AUTH. */
  readonly hello: Millis;
  readonly mail: Millis;
  readonly rcpt: Millis;
  readonly data: Millis;
  /** Between two pieces of the message that the host takes. */
  readonly block: Millis;
  /** From the final dot to the reply. */
  readonly final: Millis;
  /** With one host over one message, all of these together, beside what its octets may take. */
  readonly talk: Millis;
}

export const DEADLINES: Deadlines = {
  connect: seconds(30), // the RFC names none; a host that is up answers a SYN within a second or two
  greeting: minutes(5), // §4.5.3.2.1
  hello: minutes(5),
  mail: minutes(5), // §4.5.3.2.2
  rcpt: minutes(5), // §4.5.3.2.3
  data: minutes(2), // §4.5.3.2.4
  block: minutes(3), // §4.5.3.2.5
  final: minutes(10), // §4.5.3.2.6: too short a wait makes duplicates
  // Who drips each reply would hold a line for a day: a hundred such domains, and nobody's mail would leave.
  talk: minutes(30),
};

/** Of a message in its half hour and more: a line of a modem is faster. */
const OCTETS_A_SECOND = 4096;

/** A signal that comes when the host has had its time, and what ends the wait for it. */
export function withinTalk(
  { talk }: Deadlines,
  size: number,
  signal: AbortSignal,
): { readonly within: AbortSignal; readonly done: () => void } {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new DOMException('', 'TimeoutError')),
    talk + (size / OCTETS_A_SECOND) * 1000,
  );
  return { within: AbortSignal.any([signal, late.signal]), done: () => clearTimeout(timer) };
}

/** Why a line was broken off by a signal. */
export const sayStop = ({ reason }: AbortSignal): string =>
  reason instanceof Error && reason.name === 'TimeoutError' ? 'it takes too long in all' : 'stopped';
