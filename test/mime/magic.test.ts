/** Types by first octets, and macros in the older documents of office suites. */
import { describe, expect, test } from 'vitest';
import { MacroScanner } from '../../src/mime/macros.ts';
import { EXECUTABLE, typeByMagic } from '../../src/mime/magic.ts';

const pe = `MZ${'\0'.repeat(60)}PE`;

test.each([
  ['\x7fELF\x02\x01', 'application/x-elf', true],
  ['\xca\xfe\xba\xbe\0\0\0\x41', 'application/java-vm', true],
  ['\xca\xfe\xba\xbe\x01\0\0\0', 'application/x-mach-binary', true],
  ['\xcf\xfa\xed\xfe', 'application/x-mach-binary', true],
  ['L\0\0\0\x01\x14\x02\0', 'application/x-ms-shortcut', true],
  ['ITSF\x03\0\0\0', 'application/vnd.ms-htmlhelp', true],
  ['#!/bin/sh', 'application/x-shellscript', true],
  [pe, 'application/vnd.microsoft.portable-executable', true],
  ['MZ is how this letter begins, and no program is in it at all', '', false],
  ['MZ\0', '', false],
  ['PK\x05\x06', 'application/zip', false],
  ['Rar!\x1a\x07\x01', 'application/vnd.rar', false],
  [`${'a'.repeat(257)}ustar`, 'application/x-tar', false],
  ['RIFF0000WEBP', 'image/webp', false],
  ['\x78\x9f\x3e\x22', 'application/ms-tnef', false],
  ['\xef\xbb\xbf \r\n<!DOCTYPE HTML>', 'text/html', false],
  ['<svg xmlns', 'image/svg+xml', false],
  ['<?xml version', 'text/xml', false],
  ['hello', '', false],
  ['', '', false],
])('%j begins %j; it runs: %s', (start, type, runs) => {
  expect(typeByMagic(Buffer.from(start, 'latin1'))).toBe(type);
  expect(EXECUTABLE.has(type)).toBe(runs);
});

describe('macros', () => {
  const ole = Buffer.from('d0cf11e0a1b11ae1', 'hex');
  const wide = (name: string): Buffer => Buffer.from(name, 'utf16le');
  const found = (octets: Buffer, cut: number): boolean => {
    const scanner = new MacroScanner();
    for (let at = 0; at < octets.length; at += cut) scanner.write(octets.subarray(at, at + cut));
    return scanner.found;
  };

  test.each(['_VBA_PROJECT', 'VBA_PROJECT_CUR', 'Macros\0'])(
    'a storage that names %j has them, however it comes',
    (name) => {
      const document = Buffer.concat([ole, Buffer.alloc(100), wide(name), Buffer.alloc(100)]);
      for (const cut of [1, 3, 8, 50, 1000]) expect(found(document, cut)).toBe(true);
    },
  );

  test('other storages, and the names in what is none, have not', () => {
    for (const cut of [1, 8, 1000]) {
      expect(found(Buffer.concat([ole, wide('WordDocument'), wide('Macros are not here')]), cut)).toBe(false);
      expect(found(Buffer.concat([Buffer.from('x'), ole, wide('_VBA_PROJECT')]), cut)).toBe(false);
    }
  });
});
