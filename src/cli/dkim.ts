/** `postern dkim`: makes keys that sign mail, and tells the records that publish them. */
import type { Command } from 'commander';
import { folderOf } from '../config/paths.ts';
import { selectorFault } from '../config/signing.ts';
import { type KeyFacts, keyFault, RSA_BITS_MOST } from '../config/signing-key.ts';
import { toAscii } from '../mail/address.ts';
import { keyName, keyRecord, recordStrings } from '../mail/dkim-record.ts';
import { jsonLine } from '../record/jsonl.ts';
import { terminal } from '../record/terminal.ts';
import { act, CliError, type Common, FINE, family, NO, printing, type Shell, USAGE } from './command.ts';
import { loadSound } from './sound.ts';
import type { CliWorld } from './world.ts';

interface Options extends Common {
  readonly selector?: string;
  readonly ed25519?: boolean;
  readonly bits?: string;
  readonly keyFile?: string;
}

export const dkimCommand = (shell: Shell): Command =>
  family('dkim', {
    about: 'Keys that sign outgoing mail (docs/sign-outgoing-mail.md).',
    examples: [
      ['dkim create example.com', 'a key, its record for DNS, its line for postern.yaml'],
      ['dkim show example.com', 'the records of the keys it has'],
    ],
  })
    .addCommand(createCommand(shell))
    .addCommand(showCommand(shell));

const showCommand = (shell: Shell): Command =>
  printing('show', {
    about:
      'Prints the records that publish the keys of `signing:`. --json prints an object a line. Exit 1 where a key cannot be read.',
    examples: [
      ['dkim show', 'of all domains'],
      ['dkim show example.com', 'of one'],
    ],
  })
    .argument('[domain]', 'one of `signing:`; else all')
    .action(
      act(shell, async (world: CliWorld, written: string | undefined, { config, json }: Common) => {
        const { signing } = (await loadSound(world, config)).installation;
        const domain = written === undefined ? undefined : toAscii(written);
        if (written !== undefined && !signing.has(domain ?? ''))
          throw new CliError(`"${written}" does not stand in signing`, NO);
        const keys = [...signing].filter(([name]) => domain === undefined || name === domain);
        let status = FINE;
        for (const [name, list] of keys)
          for (const { selector, keyFile, state } of list) {
            const reading = world.signingKey(keyFile);
            const fault = keyFault(reading);
            if (reading.kind !== 'read' || fault !== undefined) {
              if (state !== 'retired') status = NO;
              await world.err(terminal([`${keyFile}: ${fault?.why ?? 'it was not read'}`]));
            } else {
              const { facts } = reading;
              const said = { domain: name, selector, state, ...recordJson(name, selector, facts) };
              await world.out(
                json ? jsonLine(said) : terminal([`# ${state}`, ...zoneLines(name, selector, facts), '']),
              );
            }
          }
        return status;
      }),
    );

const createCommand = (shell: Shell): Command =>
  printing('create', {
    about:
      'Makes a private key in a file of its own (mode 0600; one that is there stays as it is), and prints the record that ' +
      'publishes it and the line for `signing:` of postern.yaml. The key itself is never printed.',
    examples: [
      ['dkim create example.com', 'RSA of 2048 bits, the selector of this month'],
      ['dkim create example.com --ed25519', 'a second one beside it (RFC 8463)'],
      ['dkim create example.com --selector s2027 --key-file /etc/postern/secrets/s2027.pem', 'named by you'],
    ],
  })
    .argument('<domain>', 'whose mail it signs')
    .option('--selector <name>', 'the name of the key in DNS')
    .option('--ed25519', 'short and quick, and not read by everybody yet: beside an RSA key, not in its place')
    .option('--bits <number>', 'of an RSA key: 2048, 3072 or 4096', '2048')
    .option('--key-file <path>', 'where it is put; else secrets/DOMAIN.SELECTOR.pem beside postern.yaml')
    .action(
      act(shell, async (world: CliWorld, domain: string, options: Options) => {
        const wanted = wantedKey(domain, options, world.now());
        const facts = await world.makeSigningKey(wanted.file, wanted.kind, wanted.bits);
        if (facts === 'exists')
          throw new CliError(`there is a file ${wanted.file}: it stays as it is; choose another --selector`, NO);
        await world.out(options.json ? jsonLine(madeJson(wanted, facts)) : terminal(tellMade(wanted, facts)));
        return FINE;
      }),
    );

interface Wanted {
  readonly domain: string;
  readonly selector: string;
  readonly kind: 'rsa' | 'ed25519';
  readonly bits: number;
  /** Absolute or from where we are. */
  readonly file: string;
  /** As postern.yaml names it. */
  readonly shown: string;
}

const BITS = [2048, 3072, RSA_BITS_MOST];

function wantedKey(written: string, { config, selector, ed25519, bits, keyFile }: Options, now: number): Wanted {
  const domain = toAscii(written);
  if (domain === undefined || !domain.includes('.')) throw new CliError(`"${written}" is not a domain`, USAGE);
  const kind = ed25519 === true ? 'ed25519' : 'rsa';
  const chosen = selector?.toLowerCase() ?? selectorOf(kind, now);
  const wrong = selectorFault(chosen, domain);
  if (wrong !== undefined) throw new CliError(`"${selector}" ${wrong}: letters, digits, hyphens`, USAGE);
  if (!BITS.includes(Number(bits))) throw new CliError(`--bits ${bits}: expected one of ${BITS.join(', ')}`, USAGE);
  const path = keyFile ?? `secrets/${domain}.${chosen}.pem`;
  const folder = config.includes('/') ? folderOf(config) : '.';
  const file = keyFile === undefined ? `${folder === '/' ? '' : folder}/${path}` : path;
  return { domain, selector: chosen, kind, bits: Number(bits), file, shown: path };
}

/** Keys are changed once a year or oftener: the month tells them apart. */
const selectorOf = (kind: Wanted['kind'], now: number): string =>
  `${kind === 'rsa' ? 's' : 'e'}${new Date(now).toISOString().slice(0, 7).replace('-', '')}`;

function madeJson({ domain, selector, kind, shown }: Wanted, facts: KeyFacts): object {
  return { domain, selector, kind, key_file: shown, ...recordJson(domain, selector, facts) };
}

function recordJson(domain: string, selector: string, facts: KeyFacts): object {
  const record = recordOf(facts);
  return { name: keyName(selector, domain), record, strings: recordStrings(record) };
}

/** As a zone file has it: a string takes 255 octets, a record several of them. */
function zoneLines(domain: string, selector: string, facts: KeyFacts): readonly string[] {
  const strings = recordStrings(recordOf(facts)).map((one) => `"${one}"`);
  const [only, another] = strings;
  const name = `${keyName(selector, domain)}.`;
  return another === undefined
    ? [`${name} IN TXT ${only}`]
    : [`${name} IN TXT (`, ...strings.map((one) => `  ${one}`), ')'];
}

function tellMade({ domain, selector, file, shown }: Wanted, facts: KeyFacts): readonly string[] {
  return [
    `made ${file}, which only you may read: give it to the gateway's user`,
    '',
    'Publish this in DNS:',
    '',
    ...zoneLines(domain, selector, facts),
    '',
    'Write this into postern.yaml, and make it active once the record is seen everywhere:',
    '',
    'signing:',
    `  ${domain}: [{ selector: ${selector}, key_file: ${shown}, state: publish }]`,
  ];
}

function recordOf({ algorithm, published }: KeyFacts): string {
  if (algorithm === undefined) throw new RangeError('Cannot publish a key as it must be one that signs mail');
  return keyRecord({ algorithm, published });
}
