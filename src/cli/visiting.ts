/** Opens the store as a visitor for the length of one command. */
import type { Installation } from '../config/installation.ts';
import { loadSound } from './sound.ts';
import type { CliWorld, Visit } from './world.ts';

export async function visiting(
  world: CliWorld,
  config: string,
  action: (visit: Visit, installation: Installation) => Promise<number>,
): Promise<number> {
  const { installation } = await loadSound(world, config);
  const visit = await world.visit(installation);
  try {
    return await action(visit, installation);
  } finally {
    await visit.close();
  }
}
