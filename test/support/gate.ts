/** A promise that a test settles when it likes, and what settles it. */

export function gate(): { readonly shut: Promise<void>; open(): void } {
  let open = () => {};
  const shut = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { shut, open };
}
