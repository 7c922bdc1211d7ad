/** `postern backup` and `postern restore`: a whole copy of the store, and a store from it. */
import type { Command } from 'commander';
import type { Manifest } from '../ports/backup.ts';
import { jsonText } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { act, type Common, FINE, printing, type Shell } from './command.ts';
import { count, loadInstallation } from './sound.ts';
import type { CliWorld } from './world.ts';

export const backupCommand = (shell: Shell): Command =>
  printing('backup', {
    about:
      'Copies the store whole, while the gateway runs or not: queue, quarantine, content, records, bundles, overrides. ' +
      'All entries of the copy are held, so that nothing is sent twice without your word.',
    examples: [['backup /backups/2026-11-27', 'into a folder that is empty or not there']],
  })
    .argument('<dir>', 'where the copy goes')
    .action(
      act(shell, async (world: CliWorld, dir: string, { config, json }: Common) => {
        const manifest = await world.backup(await loadInstallation(world, config), dir);
        const ended = manifest.ended.length === 0 ? [] : [`ended meanwhile and left out: ${manifest.ended.length}`];
        await world.out(
          json ? jsonText(manifestJson(manifest)) : terminal([`${dir}: ${sayCounts(manifest)}`, ...ended]),
        );
        return FINE;
      }),
    );

export const restoreCommand = (shell: Shell): Command =>
  printing('restore', {
    about:
      'Makes the store from a backup whose every file is as it was copied. The place (store.path) must be empty or not there. ' +
      'All entries are held: nothing is sent until you release it.',
    examples: [
      ['restore /backups/2026-11-27', 'then `postern serve`, and look at what is held'],
      ['queue release --reason "restored from the backup"', 'all of it, once you know that it was not sent'],
    ],
  })
    .argument('<dir>', 'a backup')
    .action(
      act(shell, async (world: CliWorld, dir: string, { config, json }: Common) => {
        const manifest = await world.restore(await loadInstallation(world, config), dir);
        await world.out(
          json
            ? jsonText(manifestJson(manifest))
            : terminal([
                `restored the backup of ${manifest.node} of ${new Date(manifest.at).toISOString()}: ${sayCounts(manifest)}`,
                'all entries are held; what of them was sent since the backup, nobody here knows:',
                '  postern queue list --state held',
                '  postern queue release --reason "restored from the backup"',
              ]),
        );
        return FINE;
      }),
    );

const sayCounts = ({ entries, quarantined, records }: Manifest): string =>
  `${entries === 1 ? '1 entry' : `${entries} entries`}, ${quarantined} in quarantine, ${count(records, 'record')}`;

const manifestJson = ({ files, at, ...rest }: Manifest): object => ({
  ...rest,
  at: new Date(at).toISOString(),
  files: Object.keys(files).length,
});
