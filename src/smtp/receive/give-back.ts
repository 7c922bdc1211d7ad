/**
 * Gives the memory of a segment back that was read to its end.
 *
 * Node reads each into a buffer of its own, and the collector does not look at buffers before there are tens of megabytes of
 * them: left to it, a large message is in memory with all its octets, though only one segment at a time is needed.
 */

/** Smaller ones are commands and letters: they cost less than giving them back. */
const WORTH_IT = 16 * 1024;

/** Nobody may look at its octets any more. What is a part of something larger is left alone. */
export function giveBack({ buffer, length }: Uint8Array): void {
  if (length < WORTH_IT || length !== buffer.byteLength) return;
  // Detached by this, and its memory free: at once, not when somebody collects.
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
