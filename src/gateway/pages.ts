/** What a store lists, a page at a time: never all of it in memory. */

export async function* pages<Filter extends object, Item extends { readonly id: string }>(
  list: (filter: Filter & { readonly after?: string; readonly limit: number }) => Promise<readonly Item[]>,
  filter: Filter,
  limit: number,
): AsyncIterable<readonly Item[]> {
  let after: string | undefined;
  for (;;) {
    const page = await list({ ...filter, ...(after === undefined ? {} : { after }), limit });
    if (page.length > 0) yield page;
    if (page.length < limit) return;
    after = page.at(-1)?.id;
  }
}
