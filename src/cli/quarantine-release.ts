/** `postern quarantine release`: gives held messages back, as their class allows it, and says why others stay. */
import { type Command, Option } from 'commander';
import { type Answered, isMeant, release } from '../gateway/quarantine/release.ts';
import type { Role } from '../policy/held-rights.ts';
import type { QuarantineItem } from '../ports/queue.ts';
import { jsonLine } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { act, CliError, type Common, NO, printing, type Shell, USAGE } from './command.ts';
import { tellMissing } from './missing.ts';
import { CHOICES, choose } from './quarantine-choice.ts';
import { everyPage, mustChoose, type Selection, selecting } from './selection.ts';
import { visiting } from './visiting.ts';
import type { CliWorld } from './world.ts';

interface Options extends Common, Omit<Selection, 'ids'> {
  readonly why?: string;
  readonly to?: readonly string[];
  readonly role: Exclude<Role, 'recipient'>;
  readonly despiteScan?: boolean;
}

export const releaseCommand = (shell: Shell): Command =>
  selecting(
    printing('release', {
      about:
        'Puts held messages into the queue, exactly as they would have been delivered. Where clamav is configured they are scanned again before.',
      examples: [
        ['quarantine release 3f9k2m7q0d5xa.1 --why "asked by phone"', 'one message'],
        ['quarantine release 3f9k2m7q0d5xa --to b@example.com', 'of a record, only this recipient’s'],
        ['quarantine release 3f9k2m7q0d5xa.1 --role administrator --why "sample for the lab"', 'class malware'],
      ],
    }),
    CHOICES,
    true,
  )
    .addOption(
      new Option('--to <address>', 'only to this one of the recipients it was held for; may be repeated').argParser(
        (address: string, before: readonly string[] | undefined) => [...(before ?? []), address],
      ),
    )
    .option('--why <text>', 'the reason, for the record')
    .addOption(
      new Option('--role <role>', 'as whom; class malware is released by an administrator only')
        .choices(['operator', 'administrator'])
        .default('operator'),
    )
    .option('--despite-scan', 'as administrator and with --why: whatever the scanner says, or does not say')
    .action(act(shell, releaseChosen));

function releaseChosen(world: CliWorld, ids: readonly string[], options: Options): Promise<number> {
  const selection = { ...options, ids };
  mustChoose(selection);
  const { role, to, why = '', despiteScan = false } = options;
  if (despiteScan && (role !== 'administrator' || why === ''))
    throw new CliError('--despite-scan takes --role administrator, and a reason: --why', USAGE);
  const wanted = choose(selection, world.now());
  return visiting(world, options.config, async ({ queue, records, scanner }, installation) => {
    // Listed whole before anything is changed: what is released leaves the pages.
    const items: QuarantineItem[] = [];
    for await (const page of everyPage(wanted, (filter) => queue.quarantined(filter))) items.push(...page);
    if (items.length > 0) mustBeHeldFor(items, to);
    const answers = await release(
      { queue, records, scanner, clock: { now: world.now }, installation },
      { who: { role, name: world.operator }, items, ...(to === undefined ? {} : { to }), why, despiteScan },
      world.signal,
    );
    const released = answers.filter(({ came }) => came.kind === 'released');
    const refused = answers.filter(({ came }) => came.kind === 'refused');
    await world.out(options.json ? jsonLine(releaseView(answers)) : `${released.length} released\n`);
    if (!options.json) await world.err(terminal(answers.flatMap(sayStays)));
    const found = await tellMissing(world, ids, items);
    return released.length > 0 && refused.length === 0 ? found : NO;
  });
}

/** Nobody else is sent a copy: an address that none is held for is a slip of the pen. */
function mustBeHeldFor(items: readonly QuarantineItem[], to: readonly string[] | undefined): void {
  const strange = to?.find((address) => !items.some((item) => isMeant(item, [address])));
  if (strange !== undefined) throw new CliError(`nothing of it is held for <${strange}>: nothing is released`);
}

function sayStays({ item, came }: Answered): readonly string[] {
  switch (came.kind) {
    case 'released':
      return [];
    case 'refused':
      return [`postern: ${item.id} stays: ${came.why}. ${came.remedy}`];
    case 'gone':
      return [`postern: ${item.id} was released or deleted meanwhile`];
  }
}

const releaseView = (answers: readonly Answered[]): object => ({
  changed: answers.filter(({ came }) => came.kind === 'released').length,
  items: answers.map(({ item, came }) => ({
    id: item.id,
    recipient: item.entry.recipient,
    came: came.kind,
    ...(came.kind === 'released' ? { scan: came.scan.kind } : {}),
    ...(came.kind === 'refused' ? { why: came.why, remedy: came.remedy } : {}),
  })),
});
