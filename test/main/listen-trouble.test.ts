/** What an operator reads when a listener cannot listen. */
import { expect, test } from 'vitest';
import { sayListenTrouble } from '../../src/main/listen-trouble.ts';

const failed = (code: string) => Object.assign(new Error(`listen ${code}: it went wrong`), { code });
const mx = { name: 'mx', host: '192.0.2.1', port: 25 };

test.each<[string, unknown, typeof mx, RegExp]>([
  [
    'a port that is taken',
    failed('EADDRINUSE'),
    mx,
    /^listener mx cannot listen on 192\.0\.2\.1:25: another program listens there \(EADDRINUSE\)\n.*:25'/,
  ],
  ['a port that may not be bound', failed('EACCES'), mx, /may not listen .*\(EACCES\)\n.*CAP_NET_BIND_SERVICE.*socket/],
  [
    'an address of another machine',
    failed('EADDRNOTAVAIL'),
    { ...mx, host: '2001:db8::1' },
    /\[2001:db8::1\]:25.*\n.*\[::\]/,
  ],
  ['a machine without IPv6', failed('EAFNOSUPPORT'), { ...mx, host: '::' }, /no IPv6.*\n.*IPv4/],
  ['what nobody foresaw', failed('EMFILE'), mx, /listener mx .*: listen EMFILE: it went wrong \(EMFILE\)\n/],
  ['what is no error of the system', new TypeError('odd'), mx, /listener mx .*: odd\n/],
])('%s', (_, error, listener, said) => {
  expect(sayListenTrouble(listener, error)).toMatch(said);
});
