/** `postern passwd`: the passwords of users who send through us, in a file that the gateway reads by itself. */
import type { Command } from 'commander';
import type { Installation } from '../config/installation.ts';
import { sameUser, saslprep } from '../mail/user-name.ts';
import { jsonText } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { act, CliError, type Common, FINE, printing, type Shell, USAGE } from './command.ts';
import { loadInstallation } from './sound.ts';
import type { CliWorld } from './world.ts';

interface Options extends Common {
  readonly source?: string;
  readonly delete?: boolean;
  readonly scram: boolean;
}

export const passwdCommand = (shell: Shell): Command =>
  printing('passwd', {
    about:
      'Gives a user a password, or another one, in a file of `users:`. Keeps argon2id of it, and a verifier for SCRAM-SHA-256; ' +
      'a running gateway takes it over by itself.',
    examples: [
      ['passwd alice@example.com', 'asks for the password twice'],
      ['passwd printer@example.com --no-scram', 'argon2id alone; of a pipe the first line is taken'],
      ['passwd alice@example.com --delete', 'she logs in no more'],
    ],
  })
    .argument('<user>', 'an address, or a name without blanks')
    .option('--source <name>', 'which of `users:`; not needed where one alone is a file')
    .option(
      '--no-scram',
      'keep no verifier: a thief of the file has argon2id alone to guess at, and SCRAM is offered to nobody',
    )
    .option('--delete', 'take the user out')
    .action(
      act(shell, async (world: CliWorld, written: string, options: Options) => {
        const user = sameUser(written);
        if (user === undefined)
          throw new CliError(`"${written}" is no name of a user: no blanks, 254 letters at most`, USAGE);
        const path = fileOf(await loadInstallation(world, options.config), options.source);
        const password = options.delete ? undefined : await asked(world, user);
        const came = await world.changeUser(path, { user, password, scram: options.scram });
        if (came === 'unknown') throw new CliError(`${path} knows nobody of the name ${user}`);
        if (options.json) await world.out(jsonText({ user, [came]: true, file: path }));
        else await world.out(terminal([`${user}: ${came} in ${path}`]));
        return FINE;
      }),
    );

function fileOf({ users }: Installation, source: string | undefined): string {
  const files = [...users].flatMap(([name, one]) => (one.kind === 'file' ? [{ name, path: one.path }] : []));
  const found = source === undefined && files.length === 1 ? files[0] : files.find(({ name }) => name === source);
  if (found !== undefined) return found.path;
  const there = files.map(({ name }) => name).join(', ');
  if (files.length === 0) throw new CliError('no file of users is configured: add `users: { staff: { file: users } }`');
  throw new CliError(`say which with --source: there are ${there}`, USAGE);
}

async function asked(world: CliWorld, user: string): Promise<string> {
  const first = await world.askSecret(`password of ${user}: `);
  const password = saslprep(first);
  if (password === undefined) throw new CliError('a password holds no control characters');
  // RFC 4513 §5.1.2 and common sense: nothing is no password.
  if (password.length < LEAST) throw new CliError(`a password has ${LEAST} characters at least`);
  return password;
}

/** NIST SP 800-63B §3.1.1.2. */
const LEAST = 8;
