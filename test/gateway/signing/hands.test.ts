/** What a seal tells of a message: the chain as its policy found it, the sets it came with, and what we found. */
import { expect, test } from 'vitest';
import type { HeaderFacts } from '../../../src/gateway/edge.ts';
import type { SessionState } from '../../../src/gateway/session-state.ts';
import { handsFor } from '../../../src/gateway/signing/hands.ts';
import { FakeClock } from '../../support/clock.ts';
import { T0 } from '../../support/entries.ts';

const keys = { keyOf: (file: string) => ({ algorithm: 'rsa-sha256', file }) };
const seal = { domain: 'example.com', selector: 's1', keyFile: '/k' };
const read = {
  fields: ['arc-seal', 'arc-message-signature', 'arc-authentication-results', 'subject'].map((name) => ({ name })),
} as unknown as HeaderFacts;

function sealerOf({ arc = true, sealed = true, facts = {}, results = '', keyed = true } = {}) {
  const s = {
    world: { signingKeys: keyed ? keys : undefined, clock: new FakeClock(T0) },
    policy: { checks: arc ? [{ name: 'chain', check: 'arc' }] : [] },
    current: { installation: { signing: new Map(), seal: sealed ? seal : undefined, hostname: 'mx.test' } },
  } as unknown as SessionState;
  return handsFor(s, { kind: 'null' }, facts, read, results).sealer?.();
}

test('a seal is told the chain, its sets, and our results without their folds', () => {
  const results = 'Authentication-Results: mx.test; spf=pass\r\n\tsmtp.mailfrom=a@x.test;\r\n\tdmarc=pass';
  expect(sealerOf({ facts: { chain: { result: 'pass' } }, results })).toEqual({
    domain: 'example.com',
    selector: 's1',
    key: { algorithm: 'rsa-sha256', file: '/k' },
    at: T0,
    chain: 'pass',
    sets: 3,
    results: 'mx.test; spf=pass\tsmtp.mailfrom=a@x.test;\tdmarc=pass',
  });
});

test('where no check found anything it says so in our name; a chain that nobody looked at is none', () => {
  expect(sealerOf()).toMatchObject({ results: 'mx.test; none', chain: undefined });
  expect(sealerOf({ arc: false, facts: { chain: { result: 'pass' } } })).toMatchObject({ chain: undefined });
  expect(sealerOf({ facts: { chain: { result: 7 } } })).toMatchObject({ chain: undefined });
});

test('without keys, or a seal in the configuration, nothing is sealed', () => {
  expect([sealerOf({ keyed: false }), sealerOf({ sealed: false })]).toEqual([undefined, undefined]);
});
