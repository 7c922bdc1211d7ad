/** State in which every sender is known to greylisting and nothing has been counted: where a rehearsal starts unless told otherwise. */
import type { StateStore } from '../ports/state.ts';
import { GREYLIST_SPACE, KNOWN } from './greylist.ts';

/** Over an empty store; what the rehearsal writes itself holds from then on. */
export function passedState(under: StateStore): StateStore {
  return {
    scope: under.scope,
    get: async (space, key, at) => (await under.get(space, key, at)) ?? (space === GREYLIST_SPACE ? KNOWN : undefined),
    put: (space, key, value, expires) => under.put(space, key, value, expires),
    delete: (space, key) => under.delete(space, key),
    hit: (space, key, at, window, amount) => under.hit(space, key, at, window, amount),
    entries: (space, at) => under.entries(space, at),
    fork: (scope) => passedState(under.fork(scope)),
  };
}
