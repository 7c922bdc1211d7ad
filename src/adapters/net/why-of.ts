/** Why a connection did not come about: several addresses of one name fail together, with an empty message. */

/** `connect ECONNREFUSED 127.0.0.1:25` */
export function whyOf(error: Error): string {
  const inner = error instanceof AggregateError ? error.errors : [];
  return inner.length > 0 ? inner.map((one: Error) => one.message).join('; ') : error.message;
}
