import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { normalisePath, withoutParameters } from '../../src/routing/path.ts';

test('a path has one normal form', () => {
  const forms: [string, string][] = [
    ['/', '/'],
    ['/a/b/', '/a/b/'],
    ['/a%7eb/%41', '/a~b/A'],
    ['/%c3%a4', '/%C3%A4'],
    ['/a.b/..c/...', '/a.b/..c/...'],
    ['/%2520', '/%2520'],
    ['/[x]|y^', '/%5Bx%5D%7Cy%5E'],
    ['/a;b=c/d', '/a;b=c/d'],
    ["/-._~!$&'()*+,=:@", "/-._~!$&'()*+,=:@"],
  ];
  for (const [path, normal] of forms) assert.deepEqual(normalisePath(path), { ok: true, path: normal });
});

test('T42: a path that two readers may understand differently has none', () => {
  const refused = [
    '',
    'a',
    '*',
    '//',
    '/a//b',
    '/a/../b',
    '/..',
    '/.',
    '/a/./b',
    '/%2e%2e/b',
    '/.%2E',
    '/a/..;/b',
    '/a/.;x=y',
    '/a/%2e%2e%3bx',
    '/a%2fb',
    '/a%2Fb',
    '/a%5cb',
    '/a\\b',
    '/a%00',
    '/a%0d%0a',
    '/a%7f',
    '/a%',
    '/a%4',
    '/a%zz',
    '/a b',
    '/a#b',
    '/a"b',
    '/a<b>',
    '/ä',
    '/a\u0000',
  ];
  for (const path of refused) assert.equal(normalisePath(path).ok, false, JSON.stringify(path));
});

test('the normal form is its own normal form, and free of what is refused', () => {
  const piece = fc.constantFrom(
    '/',
    'a',
    'B',
    '.',
    '..',
    ';',
    '%',
    '2',
    '2e',
    'F',
    '~',
    '[',
    '%41',
    '%2f',
    '%3B',
    '%00',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const result = normalisePath(`/${pieces.join('')}`);
      if (!result.ok) return;
      assert.deepEqual(normalisePath(result.path), result);
      assert.doesNotMatch(result.path, /\/\/|\/\.\.?(\/|;|$)|%2f|%5c|%00|\\/i);
    }),
  );
});

test('path parameters have a second reading', () => {
  assert.equal(withoutParameters('/a/b'), undefined);
  assert.equal(withoutParameters('/a;x=1/b;y'), '/a/b');
  assert.equal(withoutParameters('/a%3Bx/b'), '/a/b');
});
