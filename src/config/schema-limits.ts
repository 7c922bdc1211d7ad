/** Every bound an operator may move, with its default and its reason. */
import { z } from 'zod';
import { duration, size } from '../language/units.ts';
import { HEADER_OCTETS_MAX } from '../mail/header.ts';
import { seconds } from '../mail/time.ts';

const count = (most: number, about: string) => z.int().min(1).max(most).meta({ description: about });
const octets = (about: string) => size().meta({ description: about, examples: ['64 KiB', '50 MiB'] });
const span = (about: string) => duration(seconds(1)).meta({ description: about, examples: ['30s', '10m'] });

export const LIMITS = z.strictObject({
  message: octets('One message, as SIZE announces it (RFC 1870)').prefault('50 MiB'),
  header: octets('The header section of a message, 128 KiB at most')
    .refine((given) => given <= HEADER_OCTETS_MAX, `expected ${HEADER_OCTETS_MAX / 1024} KiB or less`)
    .prefault(`${HEADER_OCTETS_MAX / 1024} KiB`),
  // RFC 5321 §4.5.3.1.4 asks for 512, and extensions add to it.
  command_line: octets('A command line').prefault('2 KiB'),
  // At least 100 (RFC 5321 §4.5.3.1.8).
  recipients: count(50_000, 'Recipients of one message').prefault(1000),
  // RFC 9422 §4.1 writes six digits at most.
  transactions: count(999_999, 'MAIL commands of one session (RFC 9422 MAILMAX)').prefault(10_000),
  // A person at a keyboard errs less often; a program that errs ten times will go on.
  errors: count(1000, 'Refused commands of one session').prefault(10),
  idle_commands: count(100_000, 'Commands in a row that carry no message (NOOP, RSET, VRFY)').prefault(200),
  drain: octets('What is still read of a message that is refused, so that its sender hears why').prefault('10 MiB'),
  // RFC 5321 §6.3 asks for at least 100 and calls fewer a mistake.
  hops: count(1000, 'Received fields before a message counts as looping').prefault(100),
  idle: span('Silence of a client (RFC 5321 §4.5.3.2.7)').prefault('5m'),
  proxy_header: span('The PROXY header of a balancer, which sends it at once').prefault('10s'),
  handshake: span('A TLS handshake').prefault('30s'),
  // A client waits five minutes for an answer to MAIL or RCPT (RFC 5321 §4.5.3.2.2).
  decision: span('Any one answer of ours but the one to a message').prefault('4m'),
  // A client waits ten (RFC 5321 §4.5.3.2.6); an answer after that makes a duplicate.
  commit: span('The answer to a message: checks and store').prefault('9m'),
  session: span('A whole session').prefault('2h'),
});
