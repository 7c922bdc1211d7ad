/** Files that are not what they are called. */
import type { AnomalyName } from './anomaly.ts';
import type { Part } from './inside.ts';
import { EXECUTABLE } from './magic.ts';

const PROGRAMS: ReadonlySet<string> = new Set(
  'exe dll com scr sys drv ocx cpl msi efi elf so dylib bin out run app class jar sh bat cmd ps1 lnk chm wasm ax mui'.split(
    ' ',
  ),
);
const NO_ARCHIVES: ReadonlySet<string> = new Set(
  'png jpg jpeg gif webp bmp tif tiff ico svg txt csv log html htm pdf rtf mp3 mp4 ogg wav ics vcf eml'.split(' '),
);
const SHOWN = /^(?:image|text|audio|video)\/|^application\/pdf$/;

export function disguised({ type, detected, extension, archive }: Part): AnomalyName[] {
  const odd: AnomalyName[] = [];
  if (
    EXECUTABLE.has(detected) &&
    (SHOWN.test(type) ? !isScript(type, detected) : extension !== '' && !PROGRAMS.has(extension))
  )
    odd.push('disguised-executable');
  if (archive !== null && (SHOWN.test(type) || NO_ARCHIVES.has(extension))) odd.push('disguised-archive');
  return odd;
}

/** A script is a text, and is declared as one. */
const isScript = (type: string, detected: string): boolean =>
  type.startsWith('text/') && detected.endsWith('shellscript');
