/** xtext, the coding of DSN parameters (RFC 3461 §4), and what RFC 6533 §3 adds for other letters than ASCII's. */

export function xtext(text: string): string {
  // Printable ASCII stands for itself but for + and =.
  return text.replace(/[^\x21-\x2a\x2c-\x3c\x3e-\x7e]/gu, (letter) => {
    const code = letter.codePointAt(0)!;
    const hex = code.toString(16).toUpperCase();
    return code < 128 ? `+${hex.padStart(2, '0')}` : `\\x{${hex}}`;
  });
}

/** `rfc822;alice+40sender.test`: the type stays, the address is coded (§4.2). */
export function orcptText(orcpt: string): string {
  const semicolon = orcpt.indexOf(';');
  return `${orcpt.slice(0, semicolon + 1)}${xtext(orcpt.slice(semicolon + 1))}`;
}
