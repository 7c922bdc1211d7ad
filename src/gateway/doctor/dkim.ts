/** Keys that sign held against their records in DNS: what is signed without one fails everywhere. */
import type { DomainKey } from '../../config/installation.ts';
import { type KeyReading, keyFault } from '../../config/signing-key.ts';
import { isTesting, keyName, type PublishedKey, recordFault } from '../../mail/dkim-record.ts';
import { clean } from '../../mail/reply.ts';
import { type Finding, info, ok, problem, warning } from './finding.ts';
import { ask, type Practice, recordsOf, trouble } from './practice.ts';

/** Of a provider's many domains so many are looked at one by one. */
const DOMAINS_MAX = 50;

export async function examineDkim(practice: Practice): Promise<readonly Finding[]> {
  const { signing } = practice.installation;
  const domains = [...signing].slice(0, DOMAINS_MAX);
  const findings = await Promise.all(
    domains.flatMap(([domain, keys]) => [
      ...(keys.some(({ state }) => state === 'active') ? [] : [Promise.resolve([noneActive(domain)])]),
      ...keys.map((key) => examineKey(practice, domain, key)),
    ]),
  );
  const left = signing.size - domains.length;
  return [...findings.flat(), ...(left > 0 ? [info('dkim', `${left} more domains were not looked at`)] : [])];
}

const noneActive = (domain: string): Finding =>
  warning('dkim', `${domain} has no active key: its mail leaves unsigned`, 'let one of its keys be active');

async function examineKey(practice: Practice, domain: string, key: DomainKey): Promise<readonly Finding[]> {
  const { selector, keyFile, state } = key;
  const name = keyName(selector, domain);
  const reading = practice.signingKey(keyFile);
  const fault = keyFault(reading);
  const answer = await ask(practice, name, 'TXT');
  if (answer.kind === 'failed') return [warning('dkim', trouble(answer), 'look again when the resolver answers')];
  const texts = recordsOf(answer, 'TXT').map(({ text }) => text);
  if (state === 'retired') return [sayRetired(name, texts)];
  if (fault !== undefined || reading.kind !== 'read')
    return [
      problem('dkim', `${nameOf(keyFile, reading)}: ${fault?.why ?? 'it was not read'}`, fault?.remedy ?? 'look again'),
    ];
  const { algorithm, published } = reading.facts;
  if (algorithm === undefined) throw new RangeError(`Cannot compare ${keyFile} as it must be a key that signs`);
  return compare(name, state, texts, { algorithm, published });
}

const sayRetired = (name: string, texts: readonly string[]): Finding =>
  texts.length === 0
    ? ok('dkim', `${name} is retired, and its record is gone`)
    : info(
        'dkim',
        `${name} is retired, and its record still stands`,
        'take it away once all that it signed has arrived: a week after it was retired',
      );

function compare(
  name: string,
  state: 'publish' | 'active',
  texts: readonly string[],
  key: PublishedKey,
): readonly Finding[] {
  const bad = state === 'active' ? problem : warning;
  const remedy = 'publish what `postern dkim show` prints for it';
  const [text] = texts;
  if (text === undefined)
    return [
      bad('dkim', `${name} is not published${state === 'active' ? ', and mail is signed with it' : ' yet'}`, remedy),
    ];
  // RFC 6376 §3.6.2.2 leaves open which of them counts.
  if (texts.length > 1) return [bad('dkim', `${name} has ${texts.length} TXT records`, 'leave one')];
  const why = recordFault(text, key);
  if (why !== undefined) return [bad('dkim', `the record ${name} ${clean(why, WHY_MAX)}`, remedy)];
  const what = state === 'active' ? 'fits the key that signs' : 'stands: the key may be made active';
  const fits = ok('dkim', `the record ${name} ${what}`);
  return isTesting(text)
    ? [fits, warning('dkim', `the record ${name} says t=y: some take its mail as unsigned`, 'take t=y off')]
    : [fits];
}

const WHY_MAX = 100;

/** Where there is no such file, the key itself may have been written in its place. */
const nameOf = (keyFile: string, reading: KeyReading): string =>
  reading.kind === 'failed' && reading.absent ? 'the file of a key' : keyFile;
