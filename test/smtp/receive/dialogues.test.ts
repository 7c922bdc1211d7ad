/** Every file in fixtures/dialogues is a conversation that must go so, whatever way it is cut into segments. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { matches, readDialogue } from '../../support/dialogue.ts';
import { receiving } from '../../support/receiver.ts';

const FOLDER = fileURLToPath(new URL('../../../fixtures/dialogues', import.meta.url));
const CUTS = ['turn by turn in one segment', 'a line a segment', 'an octet a segment'] as const;
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.smtp'));

describe.each(files)('%s', (file) => {
  const dialogue = readDialogue(readFileSync(`${FOLDER}/${file}`, 'utf8'));

  // What comes before 354 is only seen when it comes at once.
  const cuts = dialogue.options.cut === 'whole' ? [CUTS[0]] : CUTS;
  test.each(cuts)(`${dialogue.about}: %s`, async (cut) => {
    const { options } = dialogue;
    const world = await receiving({
      newline: options.newline === 'normalize' ? 'normalize' : 'strict',
      xclientFrom: options.xclient === 'untrusted' ? [] : ['127.0.0.1'],
      proxyFrom: options.proxy === undefined ? [] : [options.proxy],
      smtpUtf8: options.smtputf8 !== 'no',
      dsn: options.dsn !== 'no',
      limits: JSON.parse(options.limits ?? '{}'),
      ...(options.greeting === undefined
        ? {}
        : {
            script: { greeting: { reply: { code: 554, enhanced: '5.7.1', text: options.greeting }, close: false } },
          }),
    });
    try {
      const client = await world.client();
      const said: (string | undefined)[] = [];
      const expected: string[] = [];
      for (const turn of dialogue.turns) {
        if (turn.kind === 'server') {
          for (const pattern of turn.lines) {
            const line = await client.line();
            const shown = line ?? '(closed)';
            said.push(matches(pattern, shown) ? pattern : shown);
            expected.push(pattern);
          }
          expect(said).toEqual(expected);
        } else if (cut === 'turn by turn in one segment') client.send(turn.segments.join(''));
        else if (cut === 'an octet a segment') await client.trickle(turn.segments.join(''));
        else
          for (const segment of turn.segments) {
            client.send(segment);
            await new Promise((resolve) => setImmediate(resolve));
          }
      }
      expect(world.script.messages.map((message) => message.toString('latin1'))).toEqual(dialogue.messages);
      expect(world.script.refusals.map(({ reason }) => reason)).toEqual(dialogue.reasons);
    } finally {
      await world.end();
    }
  });
});
