/** Why the store refused a promise: the one error the gateway tells apart, since a full disk has a reply of its own. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /**
   * `full`: no space (452 4.3.1, RFC 3463 §3.4); `quarantine-full`: none for what is kept aside; `failed`: anything else of
   * ours (451 4.3.0); `conflict`: it is there already.
   */
  readonly kind: 'full' | 'quarantine-full' | 'failed' | 'conflict';
  constructor(kind: StoreError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}
