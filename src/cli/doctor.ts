/** `postern doctor`: what lies outside the program, each with its remedy. */
import type { Command } from 'commander';
import type { Found } from '../gateway/doctor/examine.ts';
import { jsonLine } from '../record/jsonl.ts';
import { act, type Common, FINE, NO, printing, type Shell } from './command.ts';
import { tellFound } from './doctor-tell.ts';
import { loadSound } from './sound.ts';
import type { CliWorld } from './world.ts';

interface Options extends Common {
  readonly offline?: boolean;
  readonly outwards?: string;
}

export const doctorCommand = (shell: Shell): Command =>
  printing('doctor', {
    about:
      'Looks at what lies outside the program: folders and secrets, room, clock, the running gateway, resolver and blocklists, our ' +
      'names, MX, SPF and DKIM, certificates as our listeners show them, TLSA, the hosts behind us. Tells what was seen and what mends ' +
      'it; exit 1 when one is a problem. --json prints an object a line.',
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
        await world.out(json ? findings.map(foundJson).join('') : tellFound(findings));
        return findings.some(({ level }) => level === 'problem') ? NO : FINE;
      }),
    );

const foundJson = ({ group, topic, level, saw, remedy }: Found): string =>
  jsonLine({ group, topic, level, saw, remedy });
