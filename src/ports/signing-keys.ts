/** Private keys that sign mail, by the file they lie in: who has one may sign with it and learns nothing of it. */

export interface SigningKey {
  /** As `a=` names it (RFC 6376 §3.3, RFC 8463 §3). */
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256';
  /** Over the SHA-256 of these octets. */
  sign(octets: Uint8Array): Promise<Uint8Array>;
}

export interface SigningKeys {
  /** The last sound one that lay in the file. Throws where none ever did: a fault of ours. */
  keyOf(file: string): SigningKey;
}
