/** docs/reference/commands.md: every command as its own help tells it. */
import type { Command } from 'commander';
import { page } from './markdown.ts';

export function commandsPage(program: Command): string {
  return page(
    'Commands',
    'Exit status: 0 fine, 1 the answer is no (a failing test, a bad configuration), 2 wrong usage.',
    ...leavesOf(program, []).flatMap(({ path, command }) => [
      `## ${path.join(' ')}`,
      `\`\`\`text\n${helpOf(command).trim()}\n\`\`\``,
    ]),
  );
}

interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}

function leavesOf(command: Command, path: readonly string[]): readonly Leaf[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((inner) => leavesOf(inner, [...path, inner.name()]));
}

const WIDTH = 100; // the page must not depend on the terminal it was made in

function helpOf(command: Command): string {
  let said = '';
  command.configureHelp({ helpWidth: WIDTH });
  command.configureOutput({
    writeOut: (text) => {
      said += text;
    },
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return said;
}
