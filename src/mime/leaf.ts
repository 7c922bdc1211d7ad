/** A part whose octets are content: decoded, hashed and looked at while they come by, and forgotten. */
import { createHash } from 'node:crypto';
import { ArchiveReader } from './archive.ts';
import { type Decoder, decoderFor } from './decode.ts';
import { disguised } from './disguise.ts';
import type { EntityHeader } from './entity-header.ts';
import { HiddenFiles } from './hidden-files.ts';
import type { Part } from './inside.ts';
import { MacroScanner } from './macros.ts';
import { MAGIC_OCTETS, typeByMagic } from './magic.ts';
import type { Notes } from './notes.ts';
import { TextCollector } from './text.ts';

export interface Leaf {
  write(octets: Uint8Array): void;
  /** `end` in the content. */
  end(end: number): void;
}

export interface LeafPlace {
  readonly path: string;
  readonly start: number;
  readonly bodyStart: number;
}

export function openLeaf(header: EntityHeader, place: LeafPlace, notes: Notes): Leaf {
  const { path } = place;
  const decoder: Decoder = decoderFor(header.encoding);
  const hash = createHash('sha256');
  const archive = new ArchiveReader(notes.unpacking);
  const macros = new MacroScanner();
  const text = TextCollector.for(header, path, notes);
  const encoded = header.encoding !== 'identity';
  const hidden =
    encoded && !header.type.startsWith('text/') ? undefined : new HiddenFiles(path, place.bodyStart, notes, !encoded);
  let start: Uint8Array = new Uint8Array(0);
  let size = 0;
  const take = (octets: Uint8Array): void => {
    size += octets.length;
    hash.update(octets);
    if (start.length < MAGIC_OCTETS) start = Buffer.concat([start, octets.subarray(0, MAGIC_OCTETS - start.length)]);
    archive.write(octets);
    macros.write(octets);
    text?.write(octets);
    hidden?.write(octets);
  };
  return {
    write: (octets) => decoder.write(octets, take),
    end: (end) => {
      decoder.end(take);
      hidden?.end();
      text?.end();
      for (const flaw of decoder.flaws) notes.odd(flaw, path);
      const listing = archive.end(header.name);
      const detected = typeByMagic(start);
      const part: Part = {
        path,
        type: header.type,
        detected,
        name: header.name,
        extension: header.extension,
        disposition: header.disposition,
        attachment: isFile(header, detected, listing !== null),
        encoding: header.declaredEncoding,
        reading: header.encoding,
        size,
        sha256: hash.digest('hex'),
        start: place.start,
        bodyStart: place.bodyStart,
        end,
        archive: listing,
        macros: macros.found || archive.macros,
      };
      for (const odd of disguised(part)) notes.odd(odd, path);
      if (header.type === 'application/ms-tnef' || detected === 'application/ms-tnef' || header.name === 'winmail.dat')
        notes.odd('tnef', path);
      if (header.type === 'message/partial') notes.odd('partial-message', path);
      if (header.type === 'message/external-body') notes.odd('external-body', path);
      for (const reading of header.otherEncodings) notes.region({ part: path, reading, start: place.bodyStart, end });
      if (header.strayAt !== undefined)
        notes.region({ part: path, reading: header.encoding, start: place.start + header.strayAt, end });
      notes.parts.push(part);
    },
  };
}

/** What a client shows as a file: all but the text of the letter and the pictures in it. */
function isFile(header: EntityHeader, detected: string, archive: boolean): boolean {
  if (header.disposition === 'attachment' || archive) return true;
  if (header.type.startsWith('text/')) return header.name !== '' || header.extension !== '';
  // Where the name is no picture's, what the type says is believed by nobody who opens it.
  if (header.type.startsWith('image/') && PICTURES.has(header.extension))
    return !header.referred && header.disposition !== 'inline' && header.name !== '';
  return detected !== '' || header.name !== '' || !header.type.startsWith('multipart/');
}

const PICTURES: ReadonlySet<string> = new Set([
  '',
  'png',
  'jpg',
  'jpeg',
  'jpe',
  'jfif',
  'gif',
  'webp',
  'bmp',
  'tif',
  'tiff',
  'ico',
  'heic',
  'heif',
  'avif',
  'jxl',
]);
