/** The ten bits by which the ids of one node differ from those of another (41 bits of time, 10 of node, 14 of counter). */

/** The same for the same name, always: FNV-1a folded to ten bits. Two of a handful of names meet about once in a hundred installations; then rename one. */
export function nodeNumber(name: string): number {
  let hash = 0x811c9dc5;
  for (const octet of new TextEncoder().encode(name)) hash = Math.imul(hash ^ octet, 0x01000193) >>> 0;
  return (hash ^ (hash >>> 10) ^ (hash >>> 20)) & 0x3ff;
}
