/** What the constructions of fixtures/evasions hide: put together at run time, so that the repository itself is no hit. */

/** The test file that every virus scanner knows, 68 octets. */
export const EICAR = Buffer.from(
  `${'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STAND'}${'ARD-ANTIVIRUS-TEST-FILE!$H+H*'}`,
  'latin1',
);

/** Under which name it lies in mail and in archives: not one that a list of dangerous extensions holds. */
export const FILE_NAME = 'notes.dat';

/** Of the archive that is encrypted; the letter around it tells it to its reader, as those do that carry malware. */
export const PASSWORD = 'sesame';
