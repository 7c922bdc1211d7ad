/** What the tests use of mailparser, which brings no types. */
declare module 'mailparser' {
  export function simpleParser(
    message: string | Uint8Array,
    options?: { readonly skipTextLinks?: boolean },
  ): Promise<{
    readonly headers: ReadonlyMap<string, unknown>;
    readonly subject?: string;
    readonly text?: string;
    readonly html?: string | false;
    readonly attachments: readonly {
      readonly filename?: string;
      readonly contentType: string;
      readonly content: Uint8Array;
    }[];
  }>;
}
