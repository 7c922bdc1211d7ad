/** Where passwords of users are known: files, directories. They say who is right; what that means the gateway decides. */

/**
 * `user`: the one name of the account as `sameUser` writes it, whatever was typed; `addresses`: the user's own, where the source
 * knows them.
 */
export type Checked =
  | { readonly kind: 'right'; readonly user: string; readonly addresses: readonly string[] }
  | { readonly kind: 'wrong'; readonly user: string }
  /** `Known` said no. */
  | { readonly kind: 'throttled' }
  /** Nobody of that name: the next source may know it. It took as long as a wrong password. */
  | { readonly kind: 'unknown' }
  /** `why` holds nothing of a password. */
  | { readonly kind: 'trouble'; readonly why: string };

/** Of a file of users. `password` undefined: the user goes. */
export interface UserChange {
  readonly user: string;
  readonly password: string | undefined;
  readonly scram: boolean;
}
export type UserChanged = 'added' | 'changed' | 'removed' | 'unknown';

/** What a server keeps in place of a password for SCRAM-SHA-256 (RFC 5802 §3, RFC 7677). */
export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** Asked when an account was found under another name than was typed, before its password is: false where no more may be tried. */
export type Known = (account: string) => Promise<boolean>;

export interface UserSource {
  /** `user` as `sameUser` writes what was typed; `password` prepared by `saslprep`, never empty. Does not reject. */
  check(user: string, password: string, signal: AbortSignal, known: Known): Promise<Checked>;
  /** Everybody in it can log in by SCRAM. */
  readonly scram: boolean;
  /** Undefined where it knows nobody of that name, or has no verifier for it. */
  verifier(user: string): ScramVerifier | undefined;
  /** One that no password fits, alike for a name whenever it is asked: nobody learns who is not there. */
  decoy(user: string): ScramVerifier | undefined;
}
