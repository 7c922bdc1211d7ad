/** A place to run one check: zones for DNS, a message and state in memory. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { MemoryState } from '../../src/adapters/memory/state.ts';
import type { Check, MessageView } from '../../src/checks/define.ts';
import { parseZones } from '../../src/gateway/dns/zone-data.ts';
import { zoneResolver } from '../../src/gateway/dns/zone-resolver.ts';
import { parseHeaderSection } from '../../src/mail/header.ts';
import type { Inside } from '../../src/mime/inside.ts';
import type { Facts, FactValue } from '../../src/policy/facts.ts';
import type { Resolver } from '../../src/ports/resolver.ts';
import type { Services } from '../../src/ports/services.ts';
import type { StateStore } from '../../src/ports/state.ts';
import { always, spoiled } from './spoiled.ts';

export interface BenchOptions {
  readonly zones?: unknown;
  /** In place of zones. */
  readonly resolver?: Resolver;
  readonly state?: StateStore;
  readonly services?: Services;
  readonly recipients?: readonly string[];
  /** The instance's name, where it is not the check's. */
  readonly as?: string;
  readonly facts?: Facts;
  readonly helo?: string;
  readonly verb?: 'HELO' | 'EHLO';
  readonly message?: Uint8Array;
  readonly inside?: Inside;
  /** Options as an operator writes them, validated with their defaults; what is compiled stands for its value. */
  readonly written?: object;
  /** Options as they are resolved when the check runs. */
  readonly options?: object;
  readonly now?: number;
}
export interface BenchResult {
  readonly facts: { readonly [fact: string]: FactValue };
  readonly evidence: { readonly [name: string]: FactValue };
  /** Questions in the order in which they were asked: `TXT example.org`. */
  readonly asked: readonly string[];
}

export async function runOn(check: Check, bench: BenchOptions): Promise<BenchResult> {
  const parsed = parseZones(bench.zones ?? {});
  if (parsed.kind === 'bad') throw new Error(JSON.stringify(parsed.problems));
  const under = bench.resolver ?? zoneResolver(parsed.zones);
  const asked: string[] = [];
  const resolver: Resolver = {
    resolve: (name, type, signal) => {
      asked.push(`${type} ${name}`);
      return under.resolve(name, type, signal);
    },
  };
  const evidence: { [name: string]: FactValue } = {};
  const run = check.run as (context: object) => ReturnType<Check['run']>;
  const facts = await run.call(check, {
    facts: bench.facts ?? {},
    instance: { name: bench.as ?? check.name, policy: 'test' },
    options: { ...(bench.written && check.options.parse(bench.written)), ...bench.options },
    helo: { verb: bench.verb ?? 'EHLO', name: bench.helo ?? '' },
    now: bench.now ?? Date.parse('2026-11-22T10:00:00Z'),
    hostname: 'mx.example.net',
    resolver,
    state: bench.state ?? new MemoryState(),
    services: bench.services ?? {},
    envelope: { id: '3f9k2m7q0d5xa', recipients: bench.recipients ?? [] },
    limits: { signatures: 10 },
    message: bench.message && { ...messageOf(bench.message), ...(bench.inside && { inside: bench.inside }) },
    evidence: (name: string, value: FactValue) => {
      evidence[name] = value;
    },
    signal: new AbortController().signal,
  });
  return { facts: z.strictObject(check.facts.shape).parse(facts) as BenchResult['facts'], evidence, asked };
}

/** Content in pieces of an odd size that do not last, so that nothing rests on where one ends, or on what came before. */
export function messageOf(octets: Uint8Array): MessageView {
  const section = parseHeaderSection(octets);
  return {
    content: {
      ref: 'memory',
      size: octets.length,
      sha256: createHash('sha256').update(octets).digest('hex'),
      header: octets.subarray(0, section.length),
      open: () => spoiled(octets, always(1009)),
    },
    header: {
      values: (name) => section.fields.filter((field) => field.name.toLowerCase() === name).map((field) => field.value),
    },
  };
}

/** A text with LF as it goes on the wire. */
export const wire = (text: string): Uint8Array => Buffer.from(text.replace(/\r?\n/g, '\r\n'), 'utf8');
