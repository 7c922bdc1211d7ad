/** The words of the control line: one JSON object a line each way, then the line is closed. */
import { join } from 'node:path';
import { z } from 'zod';
import { days, type Millis, seconds } from '../../mail/time.ts';
import type { ControlAnswer } from '../../ports/control.ts';

export const controlSocket = (store: string): string => join(store, 'control.sock');

/** Octets of a unix socket's path that every system takes (sun_path has 108 on Linux, with its ending zero; 104 elsewhere). */
export const SOCKET_PATH_MAX = 103;
/** A question is a verb and, at most, a reason. */
export const ASK_OCTETS_MAX = 16 * 1024;
/** An answer holds every problem of a configuration, which may be as long as the configuration. */
export const ANSWER_OCTETS_MAX = 16 * 1024 * 1024;
/** From the connection to the whole question: it is a program that asks. */
export const ASK_WITHIN: Millis = seconds(5);
/** A reload reads every list; a million entries take seconds. */
export const ANSWER_WITHIN: Millis = seconds(60);

/** A brake is for days, not for good: what should stay is written into the policy. */
const OVERRIDE_MAX: Millis = days(7);
/** Who should never send again is taken out of the users. */
const SUSPENSION_MAX: Millis = days(365);
const NAME_MAX = 200;
const WHY_MAX = 500; // characters: it stands in every trace

const BEGIN = z.strictObject({
  kind: z.enum(['rule', 'check']),
  name: z.string().min(1).max(NAME_MAX),
  policy: z.string().max(NAME_MAX),
  by: z.string().max(NAME_MAX),
  why: z.string().min(1).max(WHY_MAX),
  span: z.number().int().min(1).max(OVERRIDE_MAX),
});
const SUSPEND = z.strictObject({
  user: z
    .string()
    .min(1)
    .max(NAME_MAX * 2),
  by: z.string().max(NAME_MAX),
  why: z.string().min(1).max(WHY_MAX),
  span: z.number().int().min(1).max(SUSPENSION_MAX),
});
const LIFT = z.strictObject({ user: z.string().max(NAME_MAX * 2), by: z.string().max(NAME_MAX) });
const END = z.strictObject({ id: z.string().max(NAME_MAX), by: z.string().max(NAME_MAX) });

export const ASK = z.union([
  z.strictObject({ verb: z.enum(['reload', 'reload lists', 'drain', 'undrain', 'status']) }),
  z.strictObject({ verb: z.literal('override'), begin: BEGIN }),
  z.strictObject({ verb: z.literal('override'), end: END }),
  z.strictObject({ verb: z.literal('suspension'), begin: SUSPEND }),
  z.strictObject({ verb: z.literal('suspension'), lift: LIFT }),
]);

export type Spoken = { readonly answer: ControlAnswer } | { readonly refused: string };
