import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AnswerCache, bodyOf } from '../../../src/domain/ocsp/answer-cache.ts';
import type { Answer } from '../../../src/domain/ocsp/answer-cache.ts';
import type { Responder } from '../../../src/domain/ocsp/responders.ts';

const state = { notAfter: 1, revocation: undefined };
const tail = { responder: {} as Responder, octets: 'END' };

function answerOf(head: string): Answer {
  return { status: 'good', thisUpdate: 0, nextUpdate: 10, etag: '"e"', head, tail };
}

describe('the cache of answers', () => {
  it('gives an answer by its request, and forgets all of a certificate at once', () => {
    const cache = new AnswerCache(100_000);
    cache.rememberAnswer('a', state, 0, 'request 1', answerOf('one '));
    cache.rememberAnswer('a', state, 0, 'request 2', answerOf('two '));
    cache.rememberAnswer('b', state, 0, 'request 3', answerOf('three '));
    const found = cache.answer('request 2');
    assert.ok(found);
    assert.equal(bodyOf(found), 'two END');
    cache.forget('a');
    assert.deepEqual(
      [cache.answer('request 1'), cache.answer('request 2'), cache.state('a', 0)],
      [undefined, undefined, undefined],
    );
    assert.ok(cache.answer('request 3'));
    cache.forget('b');
    assert.deepEqual([cache.bytes, cache.size], [0, 0]);
  });

  it('counts what is replaced and dropped only once', () => {
    const cache = new AnswerCache(100_000);
    cache.rememberAnswer('a', state, 0, 'request', answerOf('short'));
    const before = cache.bytes;
    for (let i = 0; i < 10; i++) cache.rememberAnswer('a', state, 0, 'request', answerOf('x'.repeat(i)));
    cache.rememberAnswer('a', state, 0, 'request', answerOf('short'));
    assert.equal(cache.bytes, before);
    cache.drop('request');
    cache.drop('request');
    cache.rememberAnswer('a', state, 0, 'request', answerOf('short'));
    assert.equal(cache.bytes, before);
  });

  it('stays within its bound, and what is asked for outlives what is not', () => {
    const cache = new AnswerCache(50_000);
    cache.rememberAnswer('asked', state, 0, 'asked', answerOf('x'));
    for (let i = 0; i < 1000; i++) {
      cache.rememberAnswer(`c${i}`, state, 0, `r${i}`, answerOf('x'.repeat(300)));
      if (i % 10 === 0) cache.rememberState(`s${i}`, state, 0);
      assert.ok(cache.bytes <= 50_000);
      assert.ok(cache.answer('asked'), String(i));
    }
    assert.equal(cache.answer('r0'), undefined);
    assert.ok(cache.answer('r999'));
    assert.ok(cache.size > 20);
  });

  it('makes room also where everything was asked for', () => {
    const cache = new AnswerCache(200_000);
    for (let i = 0; i < 1000; i++) {
      cache.rememberAnswer(`c${i}`, state, 0, `r${i}`, answerOf('x'));
      for (let j = 0; j <= i; j++) cache.answer(`r${j}`);
      assert.ok(cache.bytes <= 200_000);
    }
  });

  it('believes a state for six hours without having heard of a change, whichever way the clock goes', () => {
    const cache = new AnswerCache(100_000);
    const hour = 3_600_000;
    cache.rememberState('a', state, 100 * hour);
    assert.equal(cache.state('a', 105.9 * hour), state);
    assert.equal(cache.state('a', 106 * hour), undefined);
    assert.equal(cache.state('a', 94 * hour), undefined);
  });
});
