/** What the tests use of mailparser, which brings no types. */
declare module 'mailparser' {
  export function simpleParser(message: string | Uint8Array): Promise<{
    readonly headers: ReadonlyMap<string, unknown>;
    readonly text?: string;
    readonly attachments: readonly { readonly contentType: string; readonly content: Uint8Array }[];
  }>;
}
