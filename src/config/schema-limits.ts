/** Every bound an operator may move, with its default and its reason: the reference tells both from here. */
import { z } from 'zod';
import { duration, size } from '../language/units.ts';
import { HEADER_LINES_MAX, HEADER_OCTETS_MAX } from '../mail/header.ts';
import { type Millis, seconds } from '../mail/time.ts';

const count = (most: number, about: string) => z.int().min(1).max(most).meta({ description: about });
const octets = (about: string) => size().meta({ description: about, examples: ['64 KiB', '50 MiB'] });
const span = (about: string, least: Millis = seconds(1)) =>
  duration(least).meta({ description: about, examples: ['30s', '10m'] });

/** A pattern over more would hold the loop. */
const TEXT_OCTETS_MAX = 4 * 1024 * 1024;

const SIZES = {
  message: octets('One message, as SIZE announces it (RFC 1870): what the large providers take').prefault('50 MiB'),
  spooling: octets(
    'All messages on their way in, of all sessions of one thread: nobody has promised them yet, and they must not fill the disk. Beyond it MAIL with SIZE, DATA and what comes are answered 452; at least `message`',
  ).prefault('1 GiB'),
  header: octets(
    'The header section of a message, and so what signatures are verified over; 128 KiB at most. Real ones stay under 64 KiB',
  )
    .refine((given) => given <= HEADER_OCTETS_MAX, `expected ${HEADER_OCTETS_MAX / 1024} KiB or less`)
    .prefault(`${HEADER_OCTETS_MAX / 1024} KiB`),
  header_field: octets(
    'One header field with its folded lines: a list of a thousand recipients fits, and no parser behind us meets a longer one',
  ).prefault('64 KiB'),
  line: octets(
    'One line of a message. Longer than RFC 5321 §4.5.3.1.6 asks for, as folding would break signatures; bounded, as who reads by lines holds one whole',
  ).prefault('1 MiB'),
  command_line: octets(
    'A command line. RFC 5321 §4.5.3.1.4 asks for 512 octets; with the longest addresses and parameters it stays under 1,200',
  ).prefault('2 KiB'),
  text: octets(
    'Text of a message kept decoded, of all its parts together: what rules and link scanners read of it. Letters are shorter',
  )
    .refine((given) => given <= TEXT_OCTETS_MAX, `expected ${TEXT_OCTETS_MAX / 1024 / 1024} MiB or less`)
    .prefault('256 KiB'),
  drain: octets('What is still read of a message that is refused, so that its sender hears why').prefault('10 MiB'),
};

const COUNTS = {
  header_lines: count(
    HEADER_LINES_MAX,
    'Lines of the header section: a thousand recipients, one a line, fit. What reads headers by lines, here and behind us, may take the square of their number',
  ).prefault(HEADER_LINES_MAX),
  recipients: count(
    50_000,
    'Recipients of one transaction. At least 100 (RFC 5321 §4.5.3.1.8); more are answered 452, and senders open another',
  ).prefault(1000),
  refused_recipients: count(
    100_000,
    'Recipients refused for good in one session: who tries names is sent away. Each refusal was heard, so the sender of an old list goes on where it was cut',
  ).prefault(100),
  transactions: count(
    999_999, // RFC 9422 §4.1 writes six digits at most
    'MAIL commands of one session, as LIMITS announces it (RFC 9422 MAILMAX): who has more to say connects anew, and load spreads over hosts and threads',
  ).prefault(10_000),
  commands: count(
    10_000_000,
    'Commands of one session in all: two thousand transactions of fifty recipients; what nothing else bounds, this does',
  ).prefault(100_000),
  idle_commands: count(
    100_000,
    'NOOP, RSET, VRFY and HELP since the last message, counted together. Clients that live long send one or two a message',
  ).prefault(200),
  greetings: count(
    1000,
    'EHLO and HELO since the last message: TLS and authentication need three, and each one asks the checks of its stage',
  ).prefault(20),
  errors: count(
    1000,
    'Refused commands of one session. A person at a keyboard errs less often; a program that errs ten times will go on',
  ).prefault(10),
  login_failures: count(
    10_000,
    'Wrong passwords for one user in `login_window`: then its logins hear 454 from networks it has not logged in from in 30 days. A person who forgot gives up before',
  ).prefault(10),
  network_login_failures: count(
    100_000,
    'Wrong passwords from one /24 or /64 in `login_window`: then logins from there hear 454. An office behind one address with some old phones stays below',
  ).prefault(30),
  hops: count(
    1000,
    'Received fields before a message counts as looping. RFC 5321 §6.3 asks for at least 100 and calls fewer a mistake',
  ).prefault(100),
  signatures: count(
    100,
    'DKIM signatures, and signatures of an ARC chain, that are verified. Each costs a question and some 3 ms a MiB; real mail bears one to five',
  ).prefault(10),
  dns_questions: count(
    10_000,
    'DNS questions of one transaction, and of one connection before it; beyond it a question fails. SPF at its worst asks 111',
  ).prefault(300),
  parts: count(
    10_000,
    'Parts of a message that are read. All of them in one piece of 64 KiB take some 30 ms; mail that people write has dozens. More are `too-many-parts` in `structure.result`',
  ).prefault(500),
  part_depth: count(
    100,
    'Multiparts and messages in one another that are opened. Forwarded ten times over, a message has twenty. Deeper is `too-deep` in `structure.result`',
  ).prefault(20),
};

const SPANS = {
  proxy_header: span('The PROXY header of a balancer, which sends it at once').prefault('10s'),
  handshake: span('A TLS handshake: a few round trips, on the slowest line').prefault('30s'),
  idle: span('Silence of a client between commands (RFC 5321 §4.5.3.2.7)').prefault('5m'),
  idle_busy: span(
    'The same while three quarters of `sessions` are taken. Shorter than RFC 5321 asks for: else the silent keep the others out',
  ).prefault('10s'),
  command: span(
    'A command line from its first octet to its end. Programs send it in one piece, and a person types it in less',
  ).prefault('1m'),
  data_block: span(
    'Silence of a client within a message: it gives up itself after that long (RFC 5321 §4.5.3.2.5)',
  ).prefault('3m'),
  data_window: span('Over how long `data_rate` is averaged, and the grace before it counts').prefault('3m'),
  data_start: span('Our answer to DATA: a client waits two minutes for it (RFC 5321 §4.5.3.2.4)').prefault('90s'),
  decision: span(
    'Any other answer of ours but the one to a message: a client waits five minutes (RFC 5321 §4.5.3.2.1 to §4.5.3.2.3)',
  ).prefault('4m'),
  commit: span(
    'The answer to a message, checks and store: a client waits ten minutes (RFC 5321 §4.5.3.2.6), and an answer after that makes a duplicate',
  ).prefault('9m'),
  cut_through: span(
    'How long a client of a route with `deliver: cut_through` waits for what the store says, once the message is safe; then it hears that it is queued. Stores answer in a second or two, clients wait ten minutes (RFC 5321 §4.5.3.2.6), and each that waits is a session; never beyond `commit`',
  ).prefault('30s'),
  login_window: span('Over how long wrong passwords are counted; it slides').prefault('15m'),
  login_delay: span(
    'What a wrong password waits for its answer, from when it came: it doubles with each one in the window, to eight times this',
    10,
  ).prefault('1s'),
  session: span('A whole session: the largest message takes 70 minutes at 100 kbit/s').prefault('2h'),
};

const CROWDS = {
  data_rate: octets(
    'Octets a second that a message must come with, averaged over `data_window`. A modem of 1990 was faster',
  ).prefault('256 B'),
  sessions: count(
    1_000_000,
    'Open sessions in all. Each may hold a file and some 100 KiB; beyond it a client hears 421 at once. Trusted upstreams have twice as many',
  ).prefault(2000),
  network_sessions: count(
    1_000_000,
    'Open sessions from one /24 or /64: twenty such networks are needed to fill the house. Trusted upstreams are free of it, and the clients they name by XCLIENT are not counted: the upstream bounds them',
  ).prefault(100),
  connections: count(
    100_000_000,
    'Connections taken in `window` in all: more than one machine serves; `lag` and `sessions` shed before that',
  ).prefault(300_000),
  network_connections: count(
    100_000_000,
    'Connections taken in `window` from one /24 or /64: ten a second is more than the pools of large senders make. Trusted upstreams are free of it, and the clients they name by XCLIENT are not counted: the upstream bounds them',
  ).prefault(600),
  window: span('Over how long connections are counted; it slides').prefault('1m'),
  lag: span(
    'How late the event loop may be, on average over a second, before new connections hear 421: what is begun is finished first',
    10,
  ).prefault('500ms'),
};

export const LIMITS = z
  .strictObject({ ...SIZES, ...COUNTS, ...SPANS, ...CROWDS })
  .refine((given) => given.spooling >= given.message, {
    path: ['spooling'],
    message: 'expected as much as `message` at least, or no such message could come in',
  });
