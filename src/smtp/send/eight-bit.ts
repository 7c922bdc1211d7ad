/** Whether a message needs a host that takes eight bits: what was declared so is often plain ASCII all the same. */

export async function hasEightBit(octets: AsyncIterable<Uint8Array>): Promise<boolean> {
  for await (const chunk of octets) if (chunk.some((octet) => octet > 127)) return true;
  return false;
}
