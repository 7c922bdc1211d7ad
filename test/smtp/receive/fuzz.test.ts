/** Sessions that nobody thought of: from a grammar and from recorded dialogues, changed, cut anywhere, left at any time. */
import { expect, onTestFinished, test } from 'vitest';
import { fuzz, newTally } from '../../support/fuzz/fuzz.ts';
import { openHouse } from '../../support/fuzz/house.ts';

test('a thousand sessions, whatever clients say in them, break no promise of the wire', {
  timeout: 120_000,
}, async () => {
  const house = await openHouse();
  onTestFinished(() => house.stop());
  const tally = newTally();
  const failure = await fuzz(house, 20_261_128, 1000, 16, tally);
  expect(failure && [`seed ${failure.seed}, session ${failure.place}`, ...failure.wrong, failure.told].join('\n')).toBe(
    undefined,
  );
  // It went through everything, or it shows nothing.
  expect([...tally.codes.keys()].sort()).toEqual(
    expect.arrayContaining([220, 221, 250, 252, 354, 421, 451, 452, 500, 501, 502, 503, 550, 552, 553, 554, 555]),
  );
  expect(tally.admissions).toBeGreaterThan(150);
});
