/** A fault of our own inside a check is a failed check, on record; it ends neither the session nor the process. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineCheck } from '../../src/checks/define.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { seconds } from '../../src/mail/time.ts';
import { rehearsalOf } from '../support/rehearsal.ts';

const broken = defineCheck({
  name: 'broken',
  about: 'Throws before it promises anything.',
  stage: 'mail',
  scope: 'transaction',
  timeout: seconds(1),
  onError: 'defer',
  needs: [],
  evidence: 'Nothing.',
  options: z.strictObject({}),
  facts: z.object({ result: z.enum(['ok']).meta({ about: 'never said', example: 'ok' }) }),
  run: () => {
    throw new Error('a bug of ours');
  },
});

test('a check that throws at once has failed, and its on_error speaks', async () => {
  const text = `policy: inbound
checks:
  mail:
    - broken: {}
rules:
  rcpt:
    - name: reads-it
      when: "broken.result == 'ok'"
      note: "fine"
`;
  const play = rehearsalOf(text, undefined, new Map([...CHECKS, ['broken', broken]]));
  const { record } = await play({ mail_from: 'a@example.org', rcpt: ['b@example.net'] });
  expect(record.checks).toMatchObject([{ name: 'broken', status: 'failed', why: 'a bug of ours' }]);
  expect(record.recipients).toMatchObject([{ verdict: 'defer', reason: 'on_error:broken', reply: { code: 451 } }]);
});
