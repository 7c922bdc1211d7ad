/** One event per thing that happened, as data. Remote text is a value, never part of the name. */
export interface Log {
  event(name: string, data?: { readonly [key: string]: unknown }): void;
  warn(name: string, data?: { readonly [key: string]: unknown }): void;
  error(name: string, data?: { readonly [key: string]: unknown }): void;
}
