/** The border to the terminal: everything told to a person goes through here, so that nothing from outside can move the cursor or forge a line. */
import { clean } from '../mail/reply.ts';

const LINE_MAX = 1000; // characters: longer lines are somebody else's text, and the record has them whole

/** Lines as they may be printed, each ended. A line break inside a text is shown, never made. */
export function terminal(lines: readonly string[]): string {
  return lines.map((line) => `${clean(line, LINE_MAX).trimEnd()}\n`).join('');
}

const COLUMN_MAX = 48; // a longer cell pushes its own row out of line, not all of them

/** Rows with their columns aligned; the last column runs free. */
export function columns(rows: readonly (readonly string[])[], indent = ''): readonly string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.slice(0, -1).entries())
      widths[column] = Math.max(widths[column] ?? 0, Math.min(cell.length, COLUMN_MAX));
  return rows.map(
    (row) =>
      indent +
      row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
  );
}
