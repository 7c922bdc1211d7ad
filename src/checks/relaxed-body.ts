/** Body text made easy for the relaxed canonicalization of mailauth, which takes forty times as long for lines that end in blanks. */

/**
 * The octets with each run of blanks as one space, none before CR LF: what `relaxed` makes of them anyway (RFC 6376 §3.4.4),
 * so that its hash is the same, wherever the pieces of a body end. `room` is asked for as many octets, where any are moved.
 */
export function easeRelaxed(octets: Buffer, room: (length: number) => Buffer): Buffer {
  if (!octets.includes(' \r') && !octets.includes('  ') && !octets.includes('\t')) return octets;
  const eased = room(octets.length);
  let to = 0;
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at]!;
    const blank = octet === SPACE || octet === TAB;
    if (!blank) eased[to++] = octet;
    // At the end of the piece it stays: the next one tells what follows.
    else if (!isBlank(octets[at + 1]) && !(octets[at + 1] === CR && octets[at + 2] === LF)) eased[to++] = SPACE;
  }
  return eased.subarray(0, to);
}

const isBlank = (octet: number | undefined): boolean => octet === SPACE || octet === TAB;

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
