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
};
