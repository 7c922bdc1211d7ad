/** A desk for configurations that ask nobody beyond the process. */
import type { LiveSources } from '../../src/gateway/live-desk.ts';

export const SILENT_DESK: LiveSources = {
  open: () => {},
  keep: () => {},
  ask: async () => ({ result: 'unsure', by: 'on_error' }),
};
