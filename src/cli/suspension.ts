/** `postern suspension`: users who may not send for a while, because a rule or a person said so. */
import type { Command } from 'commander';
import { parseDuration, sayDuration, type Timestamp } from '../mail/time.ts';
import type { Suspended } from '../ports/control.ts';
import { jsonText } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { answered } from './answered.ts';
import { act, CliError, type Common, FINE, family, printing, type Shell, USAGE } from './command.ts';
import { loadInstallation } from './sound.ts';
import type { CliWorld } from './world.ts';

export function suspensionCommand(shell: Shell): Command {
  const suspension = family('suspension', {
    about: 'Users who may not send for a while: their logins and messages are refused, and told why.',
    examples: [
      ['suspension list', 'who, by whose word, and for how long yet'],
      ['suspension lift alice@example.com', 'her password is changed, and she may send again'],
    ],
  });
  for (const one of [list(shell), begin(shell), lift(shell)]) suspension.addCommand(one);
  return suspension;
}

const list = (shell: Shell): Command =>
  printing('list', {
    about: 'Lists who is suspended now.',
    examples: [['suspension list', 'by a rule (`suspend:`) or by a person']],
  }).action(
    act(shell, async (world: CliWorld, { config, json }: Common) => {
      const installation = await loadInstallation(world, config);
      const { status } = answered(await world.control(installation, { verb: 'status' }), 'say who is suspended');
      if (json) await world.out(jsonText(status.suspensions.map(suspensionJson)));
      else if (status.suspensions.length === 0) await world.out('none\n');
      else await world.out(terminal(status.suspensions.map((one) => suspensionLine(one, world.now()))));
      return FINE;
    }),
  );

const begin = (shell: Shell): Command =>
  printing('begin', {
    about: 'Suspends a user until the time is over.',
    examples: [['suspension begin alice@example.com --for 1d --why "INC-4711: phished"', 'until it is mended']],
  })
    .argument('<user>', 'as the user logs in')
    .requiredOption('--for <span>', 'how long: 2h, 1d, at most 365d')
    .requiredOption('--why <text>', 'the reason')
    .action(
      act(shell, async (world: CliWorld, user: string, options: Common & { for: string; why: string }) => {
        const span = parseDuration(options.for);
        if (span === undefined || span < 1 || span > SPAN_MAX)
          throw new CliError(`--for "${options.for}" is no span up to 365d: write 2h or 1d`, USAGE);
        const why = options.why.trim();
        if (why === '') throw new CliError('--why says nothing: whoever lifts it wants the reason', USAGE);
        const wish = { user, by: world.operator, why, span: Math.round(span) };
        const installation = await loadInstallation(world, options.config);
        answered(await world.control(installation, { verb: 'suspension', begin: wish }), 'suspend');
        if (options.json) await world.out(jsonText({ suspended: user }));
        else await world.out(terminal([`suspended: ${user}`]));
        return FINE;
      }),
    );

const lift = (shell: Shell): Command =>
  printing('lift', {
    about: 'Lets a user send again before the time is over.',
    examples: [['suspension lift alice@example.com', 'after its password was changed']],
  })
    .argument('<user>', 'as the user logs in')
    .action(
      act(shell, async (world: CliWorld, user: string, { config, json }: Common) => {
        const installation = await loadInstallation(world, config);
        const ask = { verb: 'suspension', lift: { user, by: world.operator } } as const;
        answered(await world.control(installation, ask), 'lift the suspension');
        if (json) await world.out(jsonText({ lifted: user }));
        else await world.out(terminal([`lifted: ${user}`]));
        return FINE;
      }),
    );

const SPAN_MAX = 365 * 86_400_000;

export const suspensionJson = ({ user, since, until, by, why, recordId }: Suspended): object => ({
  user,
  since: new Date(since).toISOString(),
  until: new Date(until).toISOString(),
  by,
  why,
  ...(recordId === '' ? {} : { record_id: recordId }),
});

export function suspensionLine({ user, until, by, why, recordId }: Suspended, now: Timestamp): string {
  const record = recordId === '' ? '' : ` (postern trace ${recordId})`;
  return `${user}  for ${sayDuration(Math.max(until - now, 0))} yet, by ${by}: ${why}${record}`;
}
