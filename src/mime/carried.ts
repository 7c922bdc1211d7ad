/** A message within that is encoded as a whole: decoded, and walked as what it is. */
import { decoderFor } from './decode.ts';
import type { EntityHeader } from './entity-header.ts';
import { type Leaf, type LeafPlace, openLeaf } from './leaf.ts';
import type { Notes } from './notes.ts';

/** The part itself is listed as a file; what is within it stands where it stands. */
export function carriedMessage(
  header: EntityHeader,
  place: LeafPlace,
  notes: Notes,
  within: { write(octets: Uint8Array): void; finish(): void },
): Leaf {
  const itself = openLeaf(header, place, notes);
  const decoder = decoderFor(header.encoding);
  return {
    write: (octets) => {
      itself.write(octets);
      decoder.write(octets, (decoded) => within.write(decoded));
    },
    end: (end) => {
      decoder.end((decoded) => within.write(decoded));
      within.finish();
      notes.carried(place.path, end);
      itself.end(end);
    },
  };
}
