/** The table a newcomer reads: what came, what became of it, why, and the command that tells the whole story. */

export interface Row {
  readonly title: string;
  readonly to: string;
  readonly became: string;
  readonly why: string;
  readonly id: string;
  /** What should have come out, where something else did; else ''. */
  readonly wrong: string;
}

const WIDTHS = { number: 3, title: 47, to: 26, became: 12 };

export function table(scenes: readonly (readonly Row[])[], colours: boolean): string {
  const paint = (colour: number, text: string): string => (colours ? `\u001b[${colour}m${text}\u001b[0m` : text);
  const cells = (number: string, title: string, to: string, became: string): string =>
    number.padStart(WIDTHS.number) +
    `  ${title.padEnd(WIDTHS.title)}${to.padEnd(WIDTHS.to)}` +
    paint(COLOURS[became] ?? 1, became.padEnd(WIDTHS.became));
  const lines = [paint(1, `${cells('#', 'What comes', 'To', 'Ends')}Why`)];
  for (const [index, rows] of scenes.entries()) {
    for (const [place, row] of rows.entries()) {
      const first = place === 0;
      lines.push(`${cells(first ? String(index + 1) : '', first ? row.title : '', row.to, row.became)}${row.why}`);
      if (row.wrong !== '') lines.push(paint(31, `     !! this should not be: ${row.wrong}`));
    }
    const id = rows[0]?.id ?? '';
    if (id !== '') lines.push(paint(2, `     npm run -s demo:trace ${id}`));
  }
  return `${lines.join('\n')}\n`;
}

const COLOURS: { readonly [became: string]: number } = { delivered: 32, refused: 31, 'put off': 33, quarantined: 35 };
