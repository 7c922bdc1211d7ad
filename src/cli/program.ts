/** The program `postern`: its commands, and the exit status each leaves. */
import { Command, CommanderError } from 'commander';
import { terminal } from '../record/terminal.ts';
import { backupCommand, restoreCommand } from './backup.ts';
import { checkCommand } from './check.ts';
import { CliError, examplesText, FINE, NO, type Shell, USAGE } from './command.ts';
import { dkimCommand } from './dkim.ts';
import { doctorCommand } from './doctor.ts';
import { drainCommand } from './drain.ts';
import { explainCommand } from './explain.ts';
import { sayLater } from './later.ts';
import { logCommand } from './log.ts';
import { overrideCommand } from './override.ts';
import { passwdCommand } from './passwd.ts';
import { quarantineCommand } from './quarantine.ts';
import { queueCommand } from './queue.ts';
import { reloadCommand } from './reload.ts';
import { schemaCommand } from './schema.ts';
import { serveCommand } from './serve.ts';
import { statusCommand } from './status.ts';
import { suspensionCommand } from './suspension.ts';
import { testCommand } from './test.ts';
import { traceCommand } from './trace.ts';
import type { CliWorld } from './world.ts';

/** Runs one command line (without node and script). Never rejects. */
export async function runCli(args: readonly string[], world: CliWorld): Promise<number> {
  const later = sayLater(args[0]);
  if (later !== undefined) {
    await world.err(terminal([`postern: ${later}`]));
    return USAGE;
  }
  const shell: Shell = { world, status: FINE };
  // Commander writes without waiting: what it has to say is kept and written before we answer.
  let said = '';
  let complained = '';
  const program = buildProgram(shell);
  for (const command of everyCommand(program))
    command.exitOverride().configureOutput({
      writeOut: (text) => {
        said += text;
      },
      writeErr: (text) => {
        complained += text;
      },
    });
  let status: number;
  try {
    await program.parseAsync(args, { from: 'user' });
    status = shell.status;
  } catch (thrown) {
    const ended = endOf(thrown);
    status = ended.status;
    complained += ended.message;
  }
  try {
    if (said !== '') await world.out(said);
    if (complained !== '') await world.err(complained);
  } catch (thrown) {
    if (!isBrokenPipe(thrown)) throw thrown;
  }
  return status;
}

/** What whoever asks for help first is after: to begin, and to find out at night. */
const BEGIN: Parameters<typeof examplesText>[0] = [
  ['check --config /etc/postern/postern.yaml', 'what is wrong with the configuration'],
  ['status', 'does it run, how much waits where'],
  ['doctor', 'what is wrong outside of it, and what mends it'],
  ['queue list --older-than 1h', 'what does not get through, and why'],
  ['trace 3f9k2m7q0d5xa', 'what became of one message; the id stands in our replies and reports'],
];

export function buildProgram(shell: Shell): Command {
  const program = new Command('postern')
    .description('A mail gateway that can explain every decision and rehearse every change.')
    .addHelpText('after', `\nExamples:\n${examplesText(BEGIN)}`)
    .showHelpAfterError('(postern --help says more)')
    .showSuggestionAfterError();
  const commands = [
    serveCommand,
    checkCommand,
    explainCommand,
    testCommand,
    logCommand,
    traceCommand,
    queueCommand,
    quarantineCommand,
    reloadCommand,
    statusCommand,
    drainCommand,
    overrideCommand,
    passwdCommand,
    suspensionCommand,
    backupCommand,
    restoreCommand,
    doctorCommand,
    dkimCommand,
    (inner: Shell) => schemaCommand(inner, () => buildProgram(inner)),
  ];
  for (const make of commands) program.addCommand(make(shell));
  return program;
}

function endOf(thrown: unknown): { readonly status: number; readonly message: string } {
  if (thrown instanceof CommanderError)
    // Help that was asked for is fine; help that was not asked for, and every mistake, is wrong usage.
    return { status: thrown.exitCode === 0 ? FINE : USAGE, message: '' };
  // Nobody reads any more (`postern log | head`): that is their good right.
  if (isBrokenPipe(thrown)) return { status: FINE, message: '' };
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const status = thrown instanceof CliError ? thrown.status : NO;
  const lines = message.split('\n').map((line, at) => (at === 0 ? `postern: ${line}` : line));
  return {
    status,
    message: terminal([...lines, ...(lines.length === 1 && DENIED.test(message) ? [AS_ITS_USER] : [])]),
  };
}

/** The system's own words say what was not allowed, and not who may. */
const DENIED = /\b(?:EACCES|EPERM)\b/;
const AS_ITS_USER = "run it as the gateway's user: the store is for that one (and root) alone";

const isBrokenPipe = (thrown: unknown): boolean => (thrown as { readonly code?: unknown } | null)?.code === 'EPIPE';

const everyCommand = (top: Command): readonly Command[] => [top, ...top.commands.flatMap(everyCommand)];
