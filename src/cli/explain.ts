/** `postern explain`: one made-up transaction, or a batch of them, through the policies; nothing real is written or asked. */
import type { Command } from 'commander';
import { warningsOf } from '../gateway/rehearse-warnings.ts';
import { jsonText } from '../record/jsonl.ts';
import { sayReply } from '../record/say-why.ts';
import type { Scenario } from '../record/scenario.ts';
import { tell } from '../record/tell.ts';
import { terminal } from '../record/terminal.ts';
import { type RecordView, recordView } from '../record/view.ts';
import { explainBatch } from './batch.ts';
import { act, CliError, type Common, FINE, printing, type Shell, USAGE } from './command.ts';
import { readAnswers } from './explain-answers.ts';
import { withWarnings } from './explain-warnings.ts';
import { loadSound } from './sound.ts';
import type { CliWorld } from './world.ts';

export const explainCommand = (shell: Shell): Command =>
  printing('explain', {
    about:
      'Runs one made-up transaction through the policies and tells what came of it and why. ' +
      'Writes nothing real; asks no daemon unless --live says so; without a message it stops after rcpt.',
    examples: [
      ['explain --client-ip 192.0.2.1 --mail-from a@example.net --rcpt b@example.com', 'up to RCPT, with real DNS'],
      ['explain mail.eml --rcpt b@example.com --dns zones.yaml', 'a message, DNS from a file'],
      ['explain mail.eml --rcpt b@example.com --all-stages --json', 'every stage, as JSON'],
      ['explain --batch transactions.jsonl > records.jsonl', 'one transaction a line'],
    ],
  })
    .argument('[message]', 'a message, as an .eml file')
    .option('--listener <name>', 'the listener it comes in by (default: the first)')
    .option('--client-ip <address>', 'the address it comes from')
    .option('--client-name <name>', "the client's name, as a trusted upstream would give it")
    .option('--helo <name>', 'what it says at EHLO')
    .option('--mail-from <address>', 'the reverse-path; <> or empty for the null one')
    .option(
      '--rcpt <address>',
      'a recipient; may be given several times',
      (one, before: string[]) => [...before, one],
      [],
    )
    .option('--mail-parameters <words>', 'what stands behind the path of MAIL, as "SIZE=1000 REQUIRETLS"')
    .option('--tls', 'the session is encrypted, also where the listener does not demand it')
    .option('--client-certificate <name>', "the name in the client's certificate, which is valid")
    .option('--auth-user <user>', 'who authenticated')
    .option(
      '--auth-address <address>',
      "one of the user's own, as a directory would give them; may be given several times",
      (one, before: string[]) => [...before, one],
      [],
    )
    .option('--now <time>', 'the time of it all: ISO 8601, or seconds since 1970')
    .option('--dns <file>', 'every DNS answer comes from this zone file, and nothing leaves the process')
    .option('--state <state>', 'greylist and rates to start from: passed (known and zero), fresh or live')
    .option('--answers <file>', 'facts of checks that ask a daemon, by instance (YAML)')
    .option('--live', 'ask daemons for real')
    .option('--all-stages', 'go on after a refusal')
    .option('--batch <file>', 'one transaction a line as a JSON object (- for standard input), one record a line out')
    .action(act(shell, explain));

interface Options extends Common {
  readonly listener?: string;
  readonly clientIp?: string;
  readonly clientName?: string;
  readonly helo?: string;
  readonly mailFrom?: string;
  readonly rcpt: readonly string[];
  readonly mailParameters?: string;
  readonly tls?: boolean;
  readonly clientCertificate?: string;
  readonly authUser?: string;
  readonly authAddress: readonly string[];
  readonly now?: string;
  readonly dns?: string;
  readonly state?: string;
  readonly answers?: string;
  readonly live?: boolean;
  readonly allStages?: boolean;
  readonly batch?: string;
}

async function explain(world: CliWorld, message: string | undefined, options: Options): Promise<number> {
  const given = await scenarioOf(world, message, options);
  // Zone files answer without the keys in zones' names; the network does not.
  const loaded = await loadSound(world, options.config, options.dns === undefined);
  const rehearsals = await world.rehearsals(loaded);
  try {
    if (options.batch !== undefined) return await explainBatch(world, options.batch, given, rehearsals);
    const { record, policy } = await rehearsals.start()(given);
    const view = recordView(record, [], policy);
    if (!options.json) await world.err(terminal(warningsOf(given).map((warning) => `warning: ${warning}`)));
    await world.out(options.json ? jsonText(withWarnings(view, given)) : `${verdicts(view)}\n${tell(view)}`);
    return FINE;
  } finally {
    await rehearsals.close();
  }
}

/** What the options say; in a batch, what stands under each line. */
async function scenarioOf(world: CliWorld, message: string | undefined, options: Options): Promise<Scenario> {
  const state = options.state;
  if (state !== undefined && state !== 'passed' && state !== 'fresh' && state !== 'live')
    throw new CliError(`--state is passed, fresh or live, not "${state}"`, USAGE);
  const answers = options.answers === undefined ? undefined : await readAnswers(world, options.answers);
  const given = {
    listener: options.listener,
    client_ip: options.clientIp,
    client_name: options.clientName,
    helo: options.helo,
    mail_from: options.mailFrom,
    rcpt: options.rcpt.length === 0 ? undefined : options.rcpt,
    mail_parameters: options.mailParameters,
    tls: options.tls,
    client_certificate: options.clientCertificate,
    auth_user: options.authUser,
    auth_addresses: options.authAddress.length === 0 ? undefined : options.authAddress,
    now: options.now,
    dns: options.dns,
    message,
    state,
    answers,
    live: options.live,
    all_stages: options.allStages,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Scenario;
}

/** The verdicts alone, a line each. */
function verdicts({ session, recipients }: RecordView): string {
  if (session.verdict !== undefined && session.reply !== undefined)
    return terminal([
      `${session.verdict}  at ${session.stage ?? ''} (${session.reason ?? ''})  ${sayReply(session.reply)}`,
    ]);
  return terminal(
    recipients.map(({ address, verdict, reason, reply }) => `${verdict}  ${address} (${reason})  ${sayReply(reply)}`),
  );
}
