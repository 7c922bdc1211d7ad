/** What a file without an ending is called where it is saved, for types that run something: programs of mail give it the type's. */

const ENDINGS: { readonly [type: string]: string } = {
  'application/javascript': 'js',
  'application/x-javascript': 'js',
  'application/ecmascript': 'js',
  'text/javascript': 'js',
  'text/ecmascript': 'js',
  'application/hta': 'hta',
  'text/vbscript': 'vbs',
  'application/x-vbscript': 'vbs',
  'application/x-bat': 'bat',
  'application/x-msdos-program': 'exe',
  'application/x-msdownload': 'exe',
  'application/x-dosexec': 'exe',
  'application/vnd.microsoft.portable-executable': 'exe',
  'application/x-msi': 'msi',
  'application/x-ms-shortcut': 'lnk',
  'application/x-ms-application': 'application',
  'application/vnd.ms-htmlhelp': 'chm',
  'application/java-archive': 'jar',
  'application/x-java-archive': 'jar',
  'application/x-java-jnlp-file': 'jnlp',
  'application/vnd.android.package-archive': 'apk',
  'application/x-apple-diskimage': 'dmg',
  'application/x-iso9660-image': 'iso',
  'application/x-cd-image': 'iso',
};

/** '' for all other types. */
export const endingOfType = (type: string): string => ENDINGS[type] ?? '';
