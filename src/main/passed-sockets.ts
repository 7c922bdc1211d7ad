/** Sockets that whoever started us had opened before (sd_listen_fds(3)): a restart leaves no gap in which clients are refused. */
import { didYouMean } from '../language/nearest.ts';
import { clean } from '../mail/reply.ts';

/** `fds` by listener, in the order they were passed: several of one address are one a session thread. */
export type PassedSockets =
  | { readonly kind: 'none' }
  | { readonly kind: 'passed'; readonly fds: ReadonlyMap<string, readonly number[]> }
  | { readonly kind: 'bad'; readonly problems: readonly string[] };

const FIRST = 3; // standard input, output and error come before (SD_LISTEN_FDS_START)
const SOCKETS_MAX = 256; // more than listeners times cores anywhere; a larger number is a slip
const VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'];

/** `listeners` are the names in `postern.yaml`. Sockets meant for another process (it left us its environment) are none of ours. */
export function passedSockets(
  env: { readonly [name: string]: string | undefined },
  pid: number,
  listeners: readonly string[],
): PassedSockets {
  const { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES } = env;
  if (LISTEN_FDS === undefined && LISTEN_PID === undefined) return { kind: 'none' };
  const count = numberIn(LISTEN_FDS, SOCKETS_MAX);
  const meant = numberIn(LISTEN_PID, PID_MAX);
  const wrong = [
    ...(count === undefined ? [said('LISTEN_FDS', LISTEN_FDS, `a number of sockets, ${SOCKETS_MAX} at most`)] : []),
    ...(meant === undefined ? [said('LISTEN_PID', LISTEN_PID, 'the number of the process they are meant for')] : []),
  ];
  if (count === undefined || meant === undefined) return { kind: 'bad', problems: wrong };
  if (meant !== pid || count === 0) return { kind: 'none' };

  const names = LISTEN_FDNAMES?.split(':') ?? [];
  if (names.length !== count)
    return { kind: 'bad', problems: [said('LISTEN_FDNAMES', LISTEN_FDNAMES, `${count} names with colons between`)] };
  const unknown = new Set(names.filter((name) => !listeners.includes(name)));
  if (unknown.size > 0) return { kind: 'bad', problems: [...unknown].map((name) => nobodys(name, listeners)) };
  return { kind: 'passed', fds: byName(names) };
}

/** Processes we start must not take the sockets for theirs. */
export function forgetPassedSockets(env: { [name: string]: string | undefined }): void {
  for (const name of VARIABLES) delete env[name];
}

const PID_MAX = 2 ** 22; // the kernel's own bound on 64-bit machines

function numberIn(text: string | undefined, max: number): number | undefined {
  const number = text !== undefined && /^(0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : undefined;
  return number !== undefined && number <= max ? number : undefined;
}

function byName(names: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const fds = new Map<string, number[]>();
  for (const [index, name] of names.entries()) fds.set(name, [...(fds.get(name) ?? []), FIRST + index]);
  return fds;
}

const SHOWN_MAX = 80;
const said = (variable: string, value: string | undefined, expected: string): string =>
  `Cannot take passed sockets as ${variable} must be ${expected}: it is ${value === undefined ? 'not set' : `"${clean(value, SHOWN_MAX)}"`}` +
  '\n    let systemd set these variables (a .socket unit), or set all three of them, or none';

/** A socket nobody answers would let clients wait for ever: it is a mistake, not a leftover. */
function nobodys(name: string, listeners: readonly string[]): string {
  const near = didYouMean(name, listeners);
  return (
    `Cannot take a passed socket as its name must be a listener's: it is "${clean(name, SHOWN_MAX)}"` +
    `\n    set FileDescriptorName= in its .socket unit to one of ${listeners.join(', ')}${near === '' ? '' : `; ${near}`}`
  );
}
