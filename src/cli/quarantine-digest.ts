/** `postern quarantine digest`: what recipients will be told in the next digest, without telling them. */
import type { Command } from 'commander';
import { plainText } from '../gateway/digest/compose.ts';
import { draft, expiryOf, linkTo } from '../gateway/digest/draft.ts';
import { jsonLine } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { act, CliError, type Common, FINE, NO, printing, type Shell } from './command.ts';
import { loadSound } from './sound.ts';
import type { CliWorld } from './world.ts';

interface Options extends Common {
  readonly recipient?: string;
}

/** Recipients asked for at once. */
const PAGE = 200;

export const quarantineDigest = (shell: Shell): Command =>
  printing('digest', {
    about:
      'Prints what the next digest would tell its recipients, or why one is told nothing. Sends nothing, and its links are none.',
    examples: [
      ['quarantine digest', 'of everybody who would get one'],
      ['quarantine digest --recipient b@example.com', 'of one; and why there is none'],
    ],
  })
    .option('--recipient <address>', 'of this recipient alone')
    .action(act(shell, (world: CliWorld, options: Options) => tell(world, options)));

async function tell(world: CliWorld, { config, json, recipient }: Options): Promise<number> {
  const loaded = await loadSound(world, config);
  const { installation } = loaded;
  const settings = installation.digest;
  if (settings === undefined)
    throw new CliError('the configuration says no digest: add `quarantine: { digest: { link: "https://…" } }`');
  const visit = await world.visit(installation);
  try {
    const ports = {
      digests: visit.digests,
      read: (ref: string, signal: AbortSignal) => visit.queue.read(ref, signal),
      installation,
      directory: world.directory(loaded),
    };
    let told = 0;
    const one = async (name: string): Promise<void> => {
      const drafted = await draft(name, settings, ports, ({ id }) => linkTo(`${id}…`, settings), world.signal);
      if (drafted.kind === 'none') {
        if (recipient !== undefined)
          await world.out(
            json ? jsonLine({ recipient: name, why: drafted.why }) : terminal([`nothing for ${name}: ${drafted.why}`]),
          );
        return;
      }
      told += 1;
      const at = world.now();
      const parts = { ...drafted.parts, id: 'not sent', at, expires: expiryOf(at, settings) };
      const { items, more, others } = parts;
      await world.out(
        json
          ? jsonLine({ recipient: name, items, more, others: Object.fromEntries(others) })
          : terminal([...plainText(parts).split('\n'), '']),
      );
    };
    if (recipient !== undefined) await one(recipient);
    else
      for (let after = ''; ; ) {
        const page = await visit.digests.untoldRecipients(after, PAGE);
        for (const name of page) await one(name);
        if (page.length < PAGE) break;
        after = page.at(-1)!;
      }
    return told > 0 ? FINE : NO;
  } finally {
    await visit.close();
  }
}
