/** The daemons the checks may ask. None yet: scanners come with the content stage. */

/** By name, as configured under `services:`. */
export interface Services {
  readonly [name: string]: never;
}
