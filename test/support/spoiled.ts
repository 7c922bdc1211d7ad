/** Octets in pieces that do not last: each comes in the place of the one before, which is spoiled as soon as more is asked for. */

/** As a file of the spool is read: whoever keeps a piece keeps rubbish. */
export async function* spoiled(octets: Uint8Array, lengths: Iterable<number>): AsyncGenerator<Uint8Array> {
  const room = new Uint8Array(octets.length);
  let at = 0;
  for (const length of lengths) {
    if (at >= octets.length) return;
    const piece = room.subarray(0, Math.min(length, octets.length - at));
    piece.set(octets.subarray(at, at + length));
    at += piece.length;
    yield piece;
    piece.fill(RUBBISH);
  }
}

/** No letter of a message that a test looks for, and no end of a line. */
const RUBBISH = 0x21;

export function* always(length: number): Generator<number> {
  for (;;) yield length;
}
