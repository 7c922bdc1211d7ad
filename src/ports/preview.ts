/** A held message as a person may look at it: text only, bounded; what it says comes from outside and is escaped where it is shown. */

export interface Preview {
  readonly kind: 'shown';
  /** From, To, Cc, Reply-To, Subject and Date, decoded, in this order; each as often as the message has it. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** Its start, from the plain part, or from HTML with all tags dropped. */
  readonly text: string;
  readonly textFrom: 'plain' | 'html' | 'none';
  /** There is more text than is shown. */
  readonly textCut: boolean;
  readonly attachments: readonly PreviewedAttachment[];
  /** Beyond those. */
  readonly attachmentsMore: number;
  /** The message was read so far and no further; Infinity where it was read whole. */
  readonly readTo: number;
}

export interface PreviewedAttachment {
  /** '' where it has none. */
  readonly name: string;
  readonly type: string;
  /** Decoded octets. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface Previewer {
  /** Never rejects but when `signal` is aborted: what cannot be read says why. */
  preview(
    octets: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Preview | { readonly kind: 'failed'; readonly why: string }>;
}
