/** What a failed socket says for itself, in one line. */

/**
 * `connect ECONNREFUSED 127.0.0.1:25`; several addresses of one name fail together, with an empty message. What OpenSSL says
 * comes with the places in its source: `tlsv1 alert protocol version` is all of it that tells anything.
 */
export function whyOf(error: Error & { readonly library?: unknown; readonly reason?: unknown }): string {
  const inner = error instanceof AggregateError ? error.errors : [];
  if (inner.length > 0) return inner.map((one: Error) => one.message).join('; ');
  return typeof error.library === 'string' && typeof error.reason === 'string' ? error.reason : error.message;
}
