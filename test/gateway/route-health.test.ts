/** What the log hears of a route: that it went down, that it is back, and nothing in between. */
import { expect, test } from 'vitest';
import { RouteHealth } from '../../src/gateway/route-health.ts';
import type { AttemptResult } from '../../src/queue/transition.ts';
import { delivered, later } from '../support/sending.ts';

const silent: AttemptResult = { kind: 'transient', host: 'a:25', reply: null, cause: 'connection refused' };

test('a route that leads nowhere is told once, and once when it is back', () => {
  const said: string[] = [];
  const note = (name: string, data?: object) => void said.push(`${name} ${(data as { route: string }).route}`);
  const health = new RouteHealth({ event: note, warn: note, error: note });
  for (let n = 0; n < 2; n++) health.ended('store', [silent]);
  health.ended('store', [later]); // it answered: a host that defers is there
  for (let n = 0; n < 9; n++) health.ended('store', [silent, silent]);
  health.ended('other', [delivered]);
  expect(said).toEqual(['route.down store']);
  health.ended('store', [delivered]);
  health.ended('store', [delivered]);
  expect(said).toEqual(['route.down store', 'route.up store']);
});
