/** One scenario laid over another: keys replace keys, zones and answers are joined name by name. */
import type { Scenario, Zones } from '../../record/scenario.ts';

/** Paths of a test file, as the file's own folder gives them. */
export interface ZoneReader {
  /** An absolute path for one that stands in the test file. */
  resolve(path: string): string;
  /** The zones of a file, so that others can be laid over them. The same object each time. */
  read(path: string): Zones;
}

export function layScenario(under: Scenario, over: Scenario, zones: ZoneReader): Scenario {
  const { message: underMessage, raw: underRaw, ...rest } = under;
  const own = over.message !== undefined || over.raw !== undefined;
  const message = {
    ...(own || underMessage === undefined ? {} : { message: underMessage }),
    ...(own || underRaw === undefined ? {} : { raw: underRaw }),
  };
  const dns = layZones(under.dns, over.dns, zones);
  return {
    ...rest,
    ...message,
    ...over,
    ...(over.message === undefined ? {} : { message: zones.resolve(over.message) }),
    ...(dns === undefined ? {} : { dns }),
    ...(over.answers === undefined ? {} : { answers: layAnswers(under.answers ?? {}, over.answers) }),
  };
}

function layZones(under: Scenario['dns'], over: Scenario['dns'], zones: ZoneReader): Scenario['dns'] {
  if (over === undefined) return under;
  if (typeof over === 'string') return zones.resolve(over);
  if (under === undefined) return over;
  return { ...(typeof under === 'string' ? zones.read(under) : under), ...over };
}

type Answers = NonNullable<Scenario['answers']>;

const layAnswers = (under: Answers, over: Answers): Answers => ({
  ...under,
  ...Object.fromEntries(Object.entries(over).map(([check, facts]) => [check, { ...under[check], ...facts }])),
});
