/** What spamd is shown before a message: our own trace, in which nothing from outside can begin a field. */
import { expect, test } from 'vitest';
import { traceFor } from '../../../src/adapters/services/spamd-trace.ts';
import type { ScannedEnvelope } from '../../../src/ports/services.ts';

const ENVELOPE: ScannedEnvelope = {
  client: { ip: '192.0.2.1', name: 'mail.example.org' },
  helo: 'mail.example.org',
  user: '',
  from: 'a@example.org',
  recipients: ['b@example.net'],
  id: '3f9k2m7q0d5xa',
  by: 'mx.example.net',
  at: Date.UTC(2026, 10, 22, 10),
};
const lines = (more: Partial<ScannedEnvelope>): readonly string[] =>
  traceFor({ ...ENVELOPE, ...more })
    .toString()
    .split('\r\n');

test('it is a Return-Path and a Received of ours', () => {
  expect(lines({})).toEqual([
    'Return-Path: <a@example.org>',
    'Received: from mail.example.org (mail.example.org [192.0.2.1])',
    '\tby mx.example.net (Postern) with ESMTP id 3f9k2m7q0d5xa;',
    '\tSun, 22 Nov 2026 10:00:00 +0000',
    '',
  ]);
});

test.each<[string, Partial<ScannedEnvelope>, string]>([
  ['nobody', { from: '' }, 'Return-Path: <>'],
  ['IPv6', { client: { ip: '2001:db8::1', name: '' } }, '(unknown [IPv6:2001:db8::1])'],
  ['who authenticated', { user: 'alice' }, 'with ESMTPA id'],
  ['a HELO that ends a clause', { helo: 'x [127.0.0.1]) by y' }, 'from x?[127.0.0.1]??by?y ('],
])('with %s', (_what, more, text) => {
  expect(lines(more).join('\n')).toContain(text);
});

test('nothing that a client says makes another line', () => {
  const hostile = 'x\r\nX-Spam: no\n\n\u2028y\0';
  expect(lines({ helo: hostile, from: hostile, client: { ip: '192.0.2.1', name: hostile } })).toHaveLength(5);
});
