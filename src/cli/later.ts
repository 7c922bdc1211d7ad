/** Commands that are known by name and have not come yet: whoever brings one takes its row out. */

export const LATER_COMMANDS: { readonly [name: string]: string } = {
  replay:
    'would run changed policies over recorded transactions; until then `postern explain --batch` plays transactions of yours',
  forget: "would erase a person's data; until then records go whole days at a time, after `records.retention`",
};

/** Undefined for a command that is there, and for one that nobody knows. */
export function sayLater(name: string | undefined): string | undefined {
  return name !== undefined && Object.hasOwn(LATER_COMMANDS, name)
    ? `\`${name}\` has not come yet: it ${LATER_COMMANDS[name]}`
    : undefined;
}
