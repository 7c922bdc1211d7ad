/** The machine's dice: good enough for jitter. */
import type { Dice } from '../../ports/dice.ts';

export const systemDice: Dice = { random: () => Math.random() };
