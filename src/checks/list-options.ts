/** What every list that is asked by DNS is told of itself: its zone, in the open or behind a file with a key, and its codes. */
import { z } from 'zod';
import { questionName } from '../mail/dns-name.ts';
import { secretFile } from '../policy/options.ts';
import { parseCodePattern } from './dnsbl-codes.ts';

export const LIST_NAME = z.string().regex(/^[a-z_][a-z0-9_]*$/, 'expected a name of a-z, 0-9 and _');

export const codePattern = z
  .string()
  .refine(
    (text) => parseCodePattern(text) !== undefined,
    'expected an address in 127.0.0.0/8 whose octets may be ranges or *, such as "127.0.0.2-3" or "127.0.*.1"',
  );

/** DNS takes any octet; who writes `https://` or a path means something else. */
const NAME = /^[\p{L}\p{N}._-]+$/u;

/** `max`: octets that a zone may have, so that what is asked below it still makes a name. */
export function zoneOptions(of: {
  readonly asks: 'addresses' | 'names';
  readonly max: number;
  readonly what: string;
  readonly zone: string;
  readonly shown: string;
}) {
  const zoneName = z.string().refine((text) => {
    const name = questionName(text);
    return name !== undefined && NAME.test(name) && name.length <= of.max;
  }, `expected a domain name, such as ${of.zone}`);
  return {
    zone: zoneName.optional().meta({ about: `the domain under which ${of.what}`, examples: [of.zone] }),
    // A key must not stand in a policy, which is no secret.
    zone_file: secretFile('shown_as', of.asks)
      .optional()
      .meta({
        about:
          "in place of `zone`, where its name holds a key: a file (from the policies' folder) whose one line is the zone, not readable by others",
        examples: ['../secrets/zen'],
      }),
    shown_as: zoneName.optional().meta({
      about:
        'with `zone_file`: the domain that stands for the zone in records, logs and facts, and under which zone files of tests answer',
      examples: [of.shown],
    }),
  };
}

interface Zoned {
  readonly zone?: string | undefined;
  readonly zone_file?: string | undefined;
  readonly shown_as?: string | undefined;
}

/** Under which name is it asked: one of two, and what hides a key is written beside it. */
export function oneZone({ zone, zone_file, shown_as }: Zoned, context: z.RefinementCtx): void {
  const wrong = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
  if (zone === undefined && zone_file === undefined)
    context.addIssue({
      code: 'custom',
      message: 'the list has no zone: expected `zone:`, or `zone_file:` with `shown_as:`',
    });
  else if (zone !== undefined && zone_file !== undefined)
    wrong('zone_file', '`zone` and `zone_file` both say where to ask: expected one of them');
  else if (zone !== undefined && shown_as !== undefined)
    wrong(
      'shown_as',
      '`zone` stands in the open, nothing is shown in its place: expected `shown_as` beside `zone_file` only',
    );
  else if (zone_file !== undefined && shown_as === undefined)
    wrong(
      'zone_file',
      'nothing says what is shown in its place: expected `shown_as:` beside it, such as key.zen.dq.spamhaus.net',
    );
}

/** The resolver would put the key into the questions of both. */
export function eachShownOnce(all: { readonly [name: string]: Zoned }, context: z.RefinementCtx): void {
  const open = new Set(Object.values(all).flatMap(({ zone }) => (zone === undefined ? [] : [questionName(zone)])));
  for (const [name, { shown_as }] of Object.entries(all))
    if (shown_as !== undefined && open.has(questionName(shown_as)))
      context.addIssue({
        code: 'custom',
        path: [name, 'shown_as'],
        message: `"${shown_as}" is the zone of another list: expected a name that nothing else is asked under`,
      });
}

/** Where a key hides behind `shown_as`, the check does not know it: the resolver puts it in. */
export const zoneAsked = ({ zone, shown_as }: Zoned): string => questionName(zone ?? shown_as ?? '')!;
