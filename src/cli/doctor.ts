/** `postern doctor`: what lies outside the program, each with its remedy. */
import type { Command } from 'commander';
import type { Finding } from '../gateway/doctor/finding.ts';
import { jsonText } from '../record/jsonl.ts';
import { columns, terminal } from '../record/terminal.ts';
import { act, type Common, FINE, NO, printing, type Shell } from './command.ts';
import { count, loadSound } from './sound.ts';
import type { CliWorld } from './world.ts';

interface Options extends Common {
  readonly offline?: boolean;
  readonly outwards?: string;
}

export const doctorCommand = (shell: Shell): Command =>
  printing('doctor', {
    about:
      'Looks at what lies outside the program: names and their reverse, resolver, MX, SPF, blocklists, hosts behind us, our own ' +
      'listeners, folders, room, clock. Each line says what was seen and what to do; exit 1 when one is a problem.',
    examples: [
      ['doctor', 'before the MX is moved here, and when mail goes wrong'],
      ['doctor --offline', 'only this machine and the hosts behind it'],
      ['doctor --outwards mx.example.net', 'also whether port 25 is open outwards, where a route delivers by MX'],
    ],
  })
    .option('--offline', 'ask nothing beyond our own network')
    .option('--outwards <host>', 'a host outside whose port 25 is tried')
    .action(
      act(shell, async (world: CliWorld, { config, json, offline = false, outwards = '' }: Options) => {
        const findings = await world.examine(await loadSound(world, config), { offline, outwards });
        const problems = findings.filter(({ level }) => level === 'problem').length;
        if (json) await world.out(jsonText({ ok: problems === 0, findings }));
        else await world.out(tell(findings, problems));
        return problems === 0 ? FINE : NO;
      }),
    );

function tell(findings: readonly Finding[], problems: number): string {
  const lines = columns(findings.map(({ level, topic, saw }) => [level === 'problem' ? 'PROBLEM' : level, topic, saw]));
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  return terminal([
    ...lines.flatMap((line, at) =>
      findings[at]!.remedy === '' ? [line] : [line, `         -> ${findings[at]!.remedy}`],
    ),
    `${count(problems, 'problem')}, ${count(warnings, 'warning')}`,
  ]);
}
