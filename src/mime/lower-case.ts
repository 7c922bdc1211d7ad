/** Small letters with every one in its old place: of all letters only U+0130 becomes two, and places in the two texts would part. */
export const lowerInPlace = (text: string): string => text.replaceAll('\u0130', 'I').toLowerCase();
