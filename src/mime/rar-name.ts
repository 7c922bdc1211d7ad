/** The second form of a name in RAR 4 (`technote.txt`, names in Unicode): told by what differs from the first, and the one that is unpacked. */

/** Undefined: it is none. `plain`: what stands before the NUL, `packed`: what follows it. */
export function unicodeName(plain: Uint8Array, packed: Uint8Array): string | undefined {
  if (packed.length < 2) return undefined;
  const high = packed[0]! << 8;
  const out: number[] = [];
  let at = 1;
  while (at < packed.length) {
    // Two bits say how each of the next four characters is written.
    let ways = packed[at++]!;
    for (let n = 0; n < 4 && at < packed.length; n++, ways <<= 2) {
      const octet = packed[at++]!;
      const way = (ways >> 6) & 3;
      if (way === 0) out.push(octet);
      else if (way === 1) out.push(octet | high);
      else if (way === 2) out.push(octet | ((packed[at++] ?? 0) << 8));
      else {
        const corrected = (octet & 0x80) !== 0;
        const by = corrected ? (packed[at++] ?? 0) : 0;
        for (let left = (octet & 0x7f) + 2; left > 0 && out.length < plain.length; left--) {
          const same = plain[out.length]!;
          out.push(corrected ? ((same + by) & 255) | high : same);
        }
      }
    }
  }
  return String.fromCharCode(...out);
}
