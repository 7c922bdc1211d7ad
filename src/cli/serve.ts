/** `postern serve`: runs the gateway. */
import type { Command } from 'commander';
import { act, type Common, command, type Shell } from './command.ts';
import type { CliWorld } from './world.ts';

export const serveCommand = (shell: Shell): Command =>
  command('serve', {
    about: 'Runs the gateway until it gets SIGTERM or SIGINT; SIGHUP reads the configuration again.',
    examples: [
      ['serve', 'with ./postern.yaml'],
      ['serve --config /etc/postern/postern.yaml', 'with another'],
    ],
  }).action(act(shell, (world: CliWorld, { config }: Common) => world.serve(config)));
