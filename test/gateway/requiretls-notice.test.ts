/** What goes back of a message that requires TLS (RFC 8689 §5). */
import { expect, test } from 'vitest';
import { calm, delivered, house, refused } from '../support/sending.ts';

test('a notification about a message that requires TLS carries its header alone, whatever RET says', async () => {
  const { hop, admit, dispatcher, clock } = house();
  hop.answer = (entry) => (entry.notification ? delivered : refused);
  dispatcher.start();
  await calm();
  await admit([{ tls: 'required', dsn: { ret: 'FULL', notify: [], orcpt: '', envid: '' } }], true);
  await calm();
  await clock.pass(2000);
  await calm();
  expect(hop.taken[1]?.text).toContain('Content-Type: text/rfc822-headers\r\n');
  expect(hop.taken[1]?.text).not.toContain('Body.');
});
