/** `postern queue suspend` and `resume`: mail that is not to be sent for a while, by what it has in common. */
import { type Command, Option } from 'commander';
import { isOfShutOut } from '../gateway/auth/suspension.ts';
import { bringForward } from '../gateway/bring-forward.ts';
import { parseDuration, sayDuration, type Timestamp } from '../mail/time.ts';
import type { QueueStore } from '../ports/queue.ts';
import { inForce, isSame, SUSPENDABLE, type Suspension } from '../queue/suspension.ts';
import { jsonLine } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { act, CliError, type Common, FINE, NO, printing, type Shell, USAGE } from './command.ts';
import { visiting } from './visiting.ts';
import type { CliWorld } from './world.ts';

type What = Pick<Suspension, 'of' | 'value'>;
type Choice = { readonly [of in Suspension['of']]?: string };

interface Options extends Common, Choice {
  readonly for?: string;
  readonly why?: string;
  readonly all?: boolean;
}

const FLAGS: { readonly [of in Suspension['of']]: readonly [flags: string, about: string] } = {
  route: ['--route <name>', 'all that goes by this route'],
  domain: ['--domain <domain>', 'all to this domain'],
  sender: ['--sender <address>', 'all from this reverse-path (empty: the null one)'],
  recipient: ['--recipient <address>', 'all to this recipient'],
  user: ['--user <name>', 'all that this user sent with authentication'],
};

export const suspend = (shell: Shell): Command =>
  choosing(
    printing('suspend', {
      about:
        'Stops sending some mail until it is resumed: it is taken and waits, new mail as well. Its expiry goes on (`hold` stops that).',
      examples: [
        ['queue suspend --domain example.com --why "INC-4711: they ask for a pause"', 'one destination'],
        ['queue suspend --user alice --for 2h --why "looks stolen"', 'what one user sends, for two hours'],
      ],
    }),
  )
    .option('--for <span>', 'when it ends by itself: 30m, 2h, 7d')
    .option('--why <text>', 'the reason, for whoever looks')
    .action(
      act(shell, async (world: CliWorld, options: Options) => {
        const [chosen, another] = chosenOf(options);
        if (chosen === undefined || another !== undefined)
          throw new CliError(
            `what? Give one of ${Object.values(FLAGS)
              .map(([flags]) => flags)
              .join(', ')}`,
            USAGE,
          );
        const since = world.now();
        const { of, value } = chosen;
        const why = options.why ?? '';
        const until = untilOf(options.for, since);
        return visiting(world, options.config, async ({ queue }, { routes }) => {
          if (of === 'route' && !routes.has(value))
            throw new CliError(`there is no route "${value}"; there are: ${[...routes.keys()].join(', ')}`);
          const suspension: Suspension = { id: `${of}:${value}`, of, value, since, until, by: world.operator, why };
          // It would take the other's place, and the mail of a stolen account would go as soon as it ends.
          if ((await suspensionsNow(queue, since)).some((one) => isSame(one, chosen) && isOfShutOut(one, until)))
            throw new CliError(
              `what ${terminal([value]).trimEnd()} has queued waits as long already, as the user may not send: \`postern suspension list\``,
            );
          await queue.suspend(suspension);
          await world.out(
            options.json ? jsonLine(suspensionJson(suspension)) : `${suspensionLine(suspension, since)}\n`,
          );
          return FINE;
        });
      }),
    );

export const resume = (shell: Shell): Command =>
  choosing(
    printing('resume', {
      about: 'Ends suspensions: what waited for them is tried at once.',
      examples: [
        ['queue resume --domain example.com', 'as it was suspended'],
        ['queue resume --all', 'whatever is suspended'],
      ],
    }),
  )
    .option('--all', 'every suspension there is')
    .action(
      act(shell, async (world: CliWorld, options: Options) => {
        const chosen = chosenOf(options);
        if ((chosen.length === 0) !== (options.all === true))
          throw new CliError('which ones? Give what was suspended, or --all alone', USAGE);
        return visiting(world, options.config, async ({ queue }) => {
          const meant = (await queue.suspensions()).filter(
            (one) => options.all === true || chosen.some((what) => isSame(one, what)),
          );
          await queue.resume(meant.map(({ id }) => id));
          for (const one of meant) await bringForward(queue, one, world.now());
          await world.out(options.json ? jsonLine({ resumed: meant.length }) : `${meant.length} resumed\n`);
          return meant.length > 0 ? FINE : NO;
        });
      }),
    );

function choosing(command: Command): Command {
  for (const of of SUSPENDABLE) command.addOption(new Option(...FLAGS[of]));
  return command;
}

const chosenOf = (options: Choice): readonly What[] =>
  SUSPENDABLE.flatMap((of) => {
    const value = options[of];
    return value === undefined ? [] : [{ of, value: of === 'sender' ? value.replace(/^<|>$/g, '') : value }];
  });

function untilOf(span: string | undefined, now: Timestamp): Timestamp | null {
  if (span === undefined) return null;
  const length = parseDuration(span);
  if (length === undefined || length <= 0)
    throw new CliError(`--for "${span}" is not a span: write 30m, 2h or 7d`, USAGE);
  return now + length;
}

export const suspensionsNow = async (queue: QueueStore, now: Timestamp): Promise<readonly Suspension[]> =>
  inForce(await queue.suspensions(), now);

export function suspensionLine({ of, value, since, until, by, why }: Suspension, now: Timestamp): string {
  const what = of === 'sender' ? `<${value}>` : value;
  const ends = until === null ? 'until it is resumed' : `for ${sayDuration(Math.max(0, until - now))} more`;
  const began = new Date(since).toISOString();
  return terminal([`${of} ${what} suspended by ${by} at ${began}, ${ends}${why === '' ? '' : `: ${why}`}`]).trimEnd();
}

export const suspensionJson = ({ of, value, since, until, by, why }: Suspension): object => ({
  of,
  value,
  since: new Date(since).toISOString(),
  until: until === null ? null : new Date(until).toISOString(),
  by,
  why,
});
