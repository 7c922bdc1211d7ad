#!/usr/bin/env node
/** The composition root: the program with the real world behind it. */
import { runCli } from './cli/program.ts';
import { cliWorld } from './main/cli-world.ts';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => stop.abort(new Error(`${signal} was received`)));
process.exitCode = await runCli(process.argv.slice(2), cliWorld(stop.signal));
