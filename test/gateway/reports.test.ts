/** Reports about other messages, told from mail of people by their header. */
import { expect, test } from 'vitest';
import { isReport } from '../../src/gateway/reports.ts';

const report = (...lines: readonly string[]) =>
  isReport({
    fields: lines.map((line) => {
      const [name = '', ...value] = line.split(':');
      return { name: name.toLowerCase(), value: ` ${value.join(':').trim()}` };
    }) as never,
  });

test.each([
  ['a report as RFC 6522 writes it', ['Content-Type: multipart/report; report-type=delivery-status; boundary=x']],
  ['a type of a report in other clothes', ['Content-Type: multipart/mixed; report-type=disposition-notification']],
  ['an automatic answer', ['Auto-Submitted: auto-replied']],
  ['one that was generated', ['Auto-Submitted: auto-generated (rejected)']],
  ['what Exim writes', ['X-Failed-Recipients: bob@example.com']],
  ['what another hop took with the null sender', ['Return-Path: <>']],
  ['the same with a blank', ['Return-Path: < >']],
  ['mail of a daemon', ['From: Mail Delivery Subsystem <MAILER-DAEMON@example.com>']],
  ['mail of a daemon without brackets', ['From: mailer-daemon@example.com (Mail Delivery)']],
  ['mail of nobody', ['From: <>']],
  ['what fml says itself', ['X-MLServer: fml 4.0', 'From: neko-admin@example.com']],
])('%s is one', (_, lines) => {
  expect(report(...lines)).toBe(true);
});

test.each([
  ['a letter', ['From: Alice <alice@example.com>', 'Content-Type: text/plain', 'Return-Path: <alice@example.com>']],
  ['mail that says it is of a person', ['Auto-Submitted: no']],
  ['a message with a report attached', ['Content-Type: multipart/mixed; boundary="report"', 'From: it@example.com']],
  ['somebody whose name is like a daemon', ['From: Delia Mailer <delia.mailer@example.com>']],
  ['what a member of a list of fml wrote', ['X-MLServer: fml 4.0', 'X-Mail-Count: 12', 'From: bob@example.com']],
])('%s is none', (_, lines) => {
  expect(report(...lines)).toBe(false);
});
