/** Which sockets were passed for which listener, and what is said of an environment that makes no sense. */
import { expect, test } from 'vitest';
import { forgetPassedSockets, passedSockets } from '../../src/main/passed-sockets.ts';

const LISTENERS = ['mx', 'submission'];
const passed = (env: { readonly [name: string]: string }) => passedSockets({ LISTEN_PID: '42', ...env }, 42, LISTENERS);

test.each<[string, { readonly [name: string]: string }, { readonly [name: string]: readonly number[] }]>([
  ['one socket', { LISTEN_FDS: '1', LISTEN_FDNAMES: 'mx' }, { mx: [3] }],
  [
    'several of one address, among others',
    { LISTEN_FDS: '4', LISTEN_FDNAMES: 'mx:mx:submission:mx' },
    { mx: [3, 4, 6], submission: [5] },
  ],
])('%s goes to its listener', (_, env, fds) => {
  expect(passed(env)).toEqual({ kind: 'passed', fds: new Map(Object.entries(fds)) });
});

test.each([
  ['nothing is set', {}],
  ['they are meant for another process', { LISTEN_PID: '41', LISTEN_FDS: '1', LISTEN_FDNAMES: 'mx' }],
  ['there are none of them', { LISTEN_PID: '42', LISTEN_FDS: '0' }],
])('no socket is ours when %s', (_, env) => {
  expect(passedSockets(env, 42, LISTENERS)).toEqual({ kind: 'none' });
});

test.each<[string, { readonly [name: string]: string }, RegExp]>([
  ['no number of sockets', { LISTEN_FDS: 'one' }, /LISTEN_FDS must be a number.*"one"/],
  ['a negative number', { LISTEN_FDS: '-1' }, /LISTEN_FDS.*"-1"/],
  ['too many', { LISTEN_FDS: '100000' }, /LISTEN_FDS.*256 at most/],
  ['no process', { LISTEN_FDS: '1', LISTEN_PID: 'self' }, /LISTEN_PID.*"self"/],
  ['no names', { LISTEN_FDS: '1' }, /LISTEN_FDNAMES must be 1 names.*not set.*\.socket unit/s],
  ['fewer names than sockets', { LISTEN_FDS: '2', LISTEN_FDNAMES: 'mx' }, /LISTEN_FDNAMES must be 2 names.*"mx"/],
  [
    'a name of no listener',
    { LISTEN_FDS: '1', LISTEN_FDNAMES: 'postern.socket' },
    /"postern\.socket".*FileDescriptorName= .*one of mx, submission/s,
  ],
  ['a misspelt name', { LISTEN_FDS: '1', LISTEN_FDNAMES: 'submision' }, /did you mean "submission"\?/],
  ['a name that would be a second line', { LISTEN_FDS: '1', LISTEN_FDNAMES: 'a\nb' }, /"a\\x0ab"/],
])('%s is an error with its remedy', (_, env, message) => {
  const found = passed(env);
  expect(found).toEqual({ kind: 'bad', problems: [expect.stringMatching(message)] });
});

test('LISTEN_FDS without LISTEN_PID is an error: they might be another process’s', () => {
  expect(passedSockets({ LISTEN_FDS: '1', LISTEN_FDNAMES: 'mx' }, 42, LISTENERS)).toMatchObject({ kind: 'bad' });
});

test('children do not inherit the variables, and keep all others', () => {
  const env = { LISTEN_PID: '1', LISTEN_FDS: '1', LISTEN_FDNAMES: 'mx', LISTEN_PIDFDID: '7', HOME: '/' };
  forgetPassedSockets(env);
  expect(env).toEqual({ HOME: '/' });
});
