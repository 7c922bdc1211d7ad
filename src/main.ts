#!/usr/bin/env node
/** The composition root: the program with the real world behind it. */
import { constants } from 'node:os';
import { runCli } from './cli/program.ts';
import { cliWorld } from './main/cli-world.ts';

const stop = new AbortController();
/** The first one asks; whoever sends a second does not want to wait, also where we are process 1, which no signal ends by itself. */
const asked = (signal: 'SIGTERM' | 'SIGINT'): void => {
  if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
  stop.abort(new Error(`${signal} was received`));
};
process.on('SIGTERM', asked).on('SIGINT', asked);
process.exitCode = await runCli(process.argv.slice(2), cliWorld(stop.signal));
