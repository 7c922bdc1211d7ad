/** Words that stand for themselves in `postern.yaml`, as each of its schemas reads them. */
import { z } from 'zod';

export const text = (expected: string) => z.string().min(1).max(1000).meta({ expected });
export const path = text('a path; relative ones start at the folder of this file');
export const names = (expected: string) => z.array(text(expected)).max(10_000);
