/** `postern override`: a brake on a rule or a check that ends by itself. */
import type { Command } from 'commander';
import { parseDuration } from '../mail/time.ts';
import { jsonText } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { answered } from './answered.ts';
import { act, CliError, type Common, FINE, family, printing, type Shell, USAGE } from './command.ts';
import { overrideJson, overrideLine } from './override-tell.ts';
import { loadInstallation } from './sound.ts';
import type { CliWorld } from './world.ts';

export function overrideCommand(shell: Shell): Command {
  const override = family('override', {
    about:
      'Brakes a rule or a check of the running gateway for a while: it is asked and recorded, and restricts nothing.',
    examples: [
      ['override rule dmarc-refuse monitor --for 2h --why "INC-4711"', 'until it is mended'],
      ['override list', 'what is braked now'],
    ],
  });
  for (const command of [begin(shell, 'rule'), begin(shell, 'check'), list(shell), end(shell)])
    override.addCommand(command);
  return override;
}

interface Begin extends Common {
  readonly for: string;
  readonly why: string;
  readonly policy?: string;
}

/** As the gateway holds it too. */
const DAYS_MAX = 7;
const SPAN_MAX = DAYS_MAX * 86_400_000;

const ABOUT = {
  rule: 'Lets a rule run in `monitor` until the time is over: the record says what it would have done.',
  check:
    'Lets every rule that restricts (reject, defer, quarantine, hold, a score above 0) and reads this check run in `monitor` ' +
    'until the time is over. The check still runs; its outage speaks no more; rules that permit stay as they are.',
} as const;

const begin = (shell: Shell, kind: 'rule' | 'check'): Command =>
  printing(kind, {
    about: ABOUT[kind],
    examples:
      kind === 'rule'
        ? [
            [
              'override rule dmarc-refuse monitor --for 2h --why "INC-4711: a partner\'s mail"',
              'a rule that refuses what it should not',
            ],
          ]
        : [
            [
              'override check dnsbl monitor --for 1d --why "the list answers nonsense"',
              'a blocklist that lists everybody',
            ],
          ],
  })
    .argument('<name>', `the ${kind}'s name`)
    .argument('<mode>', 'monitor')
    .requiredOption('--for <span>', `how long: 30m, 2h, at most ${DAYS_MAX}d`)
    .requiredOption('--why <text>', 'the reason: it stands in every trace')
    .option('--policy <name>', 'only in this policy; else in every one that has it')
    .action(
      act(shell, async (world: CliWorld, name: string, mode: string, options: Begin) => {
        if (mode !== 'monitor') throw new CliError(`the mode of an override is monitor, not "${mode}"`, USAGE);
        const span = parseDuration(options.for);
        if (span === undefined || span < 1 || span > SPAN_MAX)
          throw new CliError(`--for "${options.for}" is no span up to ${DAYS_MAX}d: write 30m, 2h or 1d`, USAGE);
        const why = options.why.trim();
        if (why === '') throw new CliError('--why says nothing: whoever reads the trace wants the reason', USAGE);
        const installation = await loadInstallation(world, options.config);
        const wish = { kind, name, policy: options.policy ?? '', by: world.operator, why, span: Math.round(span) };
        const came = answered(await world.control(installation, { verb: 'override', begin: wish }), 'override');
        return told(world, came.override, options.json, 'in force');
      }),
    );

const list = (shell: Shell): Command =>
  printing('list', {
    about: 'Lists the overrides in force.',
    examples: [['override list', 'who put which brake on, why, and for how long yet']],
  }).action(
    act(shell, async (world: CliWorld, { config, json }: Common) => {
      const installation = await loadInstallation(world, config);
      const now = world.now();
      const found = (await world.overrides(installation)).filter(({ until }) => until > now);
      if (json) await world.out(jsonText(found.map(overrideJson)));
      else await world.out(terminal(found.length === 0 ? ['none'] : found.map((one) => overrideLine(one, now))));
      return FINE;
    }),
  );

const end = (shell: Shell): Command =>
  printing('end', {
    about: 'Ends an override before its time.',
    examples: [['override end 3f9k2m7q0d5xa', 'its id stands in `override list`']],
  })
    .argument('<id>', 'the id of an override')
    .action(
      act(shell, async (world: CliWorld, id: string, { config, json }: Common) => {
        const installation = await loadInstallation(world, config);
        const ask = { verb: 'override', end: { id, by: world.operator } } as const;
        const came = answered(await world.control(installation, ask), 'end the override');
        return told(world, came.override, json, 'ended');
      }),
    );

async function told(
  world: CliWorld,
  override: Parameters<typeof overrideJson>[0] | undefined,
  json: boolean | undefined,
  how: string,
): Promise<number> {
  if (override === undefined) throw new CliError('the gateway did not say what it did; `postern override list` does');
  if (json) await world.out(jsonText(overrideJson(override)));
  else await world.out(terminal([`${how}: ${overrideLine(override, world.now())}`]));
  return FINE;
}
