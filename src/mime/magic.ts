/** Types of files by their first octets. */

/** As many as any of them needs. */
export const MAGIC_OCTETS = 512;

const DOS_PROGRAM = 'application/vnd.microsoft.portable-executable';
const SCRIPT = 'application/x-shellscript';

type Mark = readonly [type: string, octets: string, at?: number];

/** Octets as Latin-1; the longer mark first where one begins like another. */
const MARKS: readonly Mark[] = [
  ['application/x-elf', '\x7fELF'],
  ['application/java-vm', '\xca\xfe\xba\xbe\0\0\0'],
  ['application/x-mach-binary', '\xca\xfe\xba\xbe'],
  ['application/x-mach-binary', '\xfe\xed\xfa\xce'],
  ['application/x-mach-binary', '\xfe\xed\xfa\xcf'],
  ['application/x-mach-binary', '\xce\xfa\xed\xfe'],
  ['application/x-mach-binary', '\xcf\xfa\xed\xfe'],
  ['application/x-ms-shortcut', 'L\0\0\0\x01\x14\x02\0'],
  ['application/vnd.ms-htmlhelp', 'ITSF\x03\0\0\0'],
  ['application/wasm', '\0asm'],
  [SCRIPT, '#!'],
  ['application/zip', 'PK\x03\x04'],
  ['application/zip', 'PK\x05\x06'],
  ['application/zip', 'PK\x07\x08'],
  ['application/vnd.rar', 'Rar!\x1a\x07'],
  ['application/x-7z-compressed', '7z\xbc\xaf\x27\x1c'],
  ['application/gzip', '\x1f\x8b\x08'],
  ['application/x-bzip2', 'BZh'],
  ['application/x-xz', '\xfd7zXZ\0'],
  ['application/zstd', '\x28\xb5\x2f\xfd'],
  ['application/vnd.ms-cab-compressed', 'MSCF\0\0\0\0'],
  ['application/x-ace-compressed', '**ACE**', 7],
  ['application/x-arj', '\x60\xea'],
  ['application/x-tar', 'ustar', 257],
  ['application/x-ole-storage', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
  ['application/rtf', '{\\rt'],
  ['application/pdf', '%PDF-'],
  ['application/ms-tnef', '\x78\x9f\x3e\x22'],
  ['image/png', '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', '\xff\xd8\xff'],
  ['image/gif', 'GIF8'],
  ['image/webp', 'WEBP', 8],
  ['image/tiff', 'II*\0'],
  ['image/tiff', 'MM\0*'],
  ['image/bmp', 'BM'],
  ['image/vnd.microsoft.icon', '\0\0\x01\0'],
  ['audio/mpeg', 'ID3'],
  ['audio/ogg', 'OggS'],
  ['video/mp4', 'ftyp', 4],
];

/** Of these, a double click runs something. */
export const EXECUTABLE: ReadonlySet<string> = new Set([
  DOS_PROGRAM,
  'application/x-elf',
  'application/java-vm',
  'application/x-mach-binary',
  'application/x-ms-shortcut',
  'application/vnd.ms-htmlhelp',
  SCRIPT,
]);

/** '' where nothing is known. */
export function typeByMagic(start: Uint8Array): string {
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, MAGIC_OCTETS)).toString('latin1');
  if (text.startsWith('MZ') && isProgram(text)) return DOS_PROGRAM;
  for (const [type, octets, at = 0] of MARKS) if (text.startsWith(octets, at)) return type;
  const opening = text
    .replace(/^(?:\xef\xbb\xbf)?\s{0,100}/, '')
    .slice(0, 20)
    .toLowerCase();
  if (opening.startsWith('<!doctype html') || opening.startsWith('<html')) return 'text/html';
  if (opening.startsWith('<svg')) return 'image/svg+xml';
  return opening.startsWith('<?xml') ? 'text/xml' : '';
}

/** A letter may begin with MZ; the header of a program holds more than text. */
const isProgram = (text: string): boolean => text.length >= 28 && /[\0-\x08]/.test(text.slice(2, 64));
