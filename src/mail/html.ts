/** Text in HTML, between tags or in a quoted attribute: no letter of it is markup. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"'`]/g, (letter) => `&#${letter.charCodeAt(0)};`);
