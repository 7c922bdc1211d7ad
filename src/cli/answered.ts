/** What the running gateway answered to a command that cannot do without it. */
import type { ControlAnswer, Controlled } from '../ports/control.ts';
import { CliError } from './command.ts';

export function answered(came: Controlled, what: string): ControlAnswer {
  switch (came.kind) {
    case 'answered':
      return came.answer;
    case 'refused':
      throw new CliError(`Cannot ${what}: ${came.why}`);
    case 'stopped':
      throw new CliError(`Cannot ${what} as the gateway must be running: ${came.why}`);
  }
}
