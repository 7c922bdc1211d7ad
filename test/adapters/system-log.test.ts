/** The log on standard error: one JSON object a line, in which nothing from outside moves a terminal. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('controls, separators and turns of direction are escaped, and read back as they were', () => {
  const text = 'a\u001b[31m\u009b31m\u202eb\u2028c\u007f\n';
  const module = new URL('../../src/adapters/system/log.ts', import.meta.url).href;
  const program = `import { jsonLog } from ${JSON.stringify(module)};
jsonLog('info').warn('remote.said', { reply: ${JSON.stringify(text)} });`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const line = stderr.split('\n').find((one) => one.startsWith('{'))!;
  expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u202e]/);
  expect(JSON.parse(line)).toMatchObject({ msg: 'remote.said', reply: text });
});
