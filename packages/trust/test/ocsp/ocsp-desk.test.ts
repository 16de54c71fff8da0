import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { createRoot, temporaryFolder, testClock } from '@countersign/testkit';

import { keyHash, OcspAnswers, OcspDesk, OcspStore, ResponderHealth } from '../../src/index.ts';
import type { AskOutcome, OcspAnswer, StatusQuestion, TrustError } from '../../src/index.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const clock = testClock();
const root = await createRoot('Root', { now: clock.now() });
const client = await root.issue('client');
const other = await root.issue('other');

function questionOf({ certificate }: typeof client): StatusQuestion {
  return { certificate, issuer: root.certificate, responders: [] };
}

const question = questionOf(client);

function outcome(
  status: 'good' | 'revoked',
  times: { thisUpdate?: number; producedAt?: number; fresh?: number } = {},
): AskOutcome {
  const { thisUpdate = clock.now(), producedAt = thisUpdate, fresh = HOUR } = times;
  const common = {
    thisUpdate,
    producedAt,
    nextUpdate: thisUpdate + fresh,
    staleAt: thisUpdate + fresh,
    responder: { kind: 'issuer', certificate: root.certificate },
  } as const;
  const result =
    status === 'good'
      ? ({ status, ...common } as const)
      : ({ status, revocationTime: thisUpdate, reason: 'keyCompromise', ...common } as const);
  return { kind: 'answer', result, freshUntil: result.staleAt, der: new Uint8Array() };
}

interface Asked {
  readonly signal: AbortSignal;
  answer(outcome: AskOutcome): void;
}

function desk({ maxCount = 100 }: { readonly maxCount?: number } = {}) {
  const asked: Asked[] = [];
  const told: OcspAnswer[] = [];
  const outcomes: string[] = [];
  const answers = new OcspAnswers({ maxCount });
  const made = new OcspDesk({
    answers,
    ask: (_question, signal) =>
      new Promise((resolve, reject) => {
        asked.push({ signal, answer: resolve });
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      }),
    now: clock.now,
    random: () => 0.5,
    everyMs: HOUR,
    onAnswer: (answer) => told.push(answer),
    onOutcome: (word) => outcomes.push(word),
  });
  return { desk: made, asked, told, outcomes, answers };
}

const issuerHash = keyHash(root.certificate.spki);

const known = (answers: OcspAnswers): OcspAnswer | undefined => answers.get(issuerHash, client.certificate.serialHex);

describe('the OCSP desk', () => {
  test('asks once for one certificate, however many wait', async () => {
    const { desk: made, asked, told, outcomes, answers } = desk();
    const waiting = Array.from({ length: 100 }, () => made.ask(question));
    void made.ask(questionOf(other));
    assert.equal(asked.length, 2);
    asked[0]?.answer(outcome('revoked'));
    await Promise.all(waiting);
    assert.equal(known(answers)?.status, 'revoked');
    assert.deepEqual([told.length, outcomes], [1, ['revoked']]);
    assert.equal(made.flights, 1);
    // Who asks a moment too late is told again.
    await made.ask(question);
    assert.deepEqual([asked.length, told.length], [2, 2]);
    made.stop();
  });

  test('T37: gives up when all who waited have left, and not before', async () => {
    const { desk: made, asked } = desk();
    const [one, two] = [new AbortController(), new AbortController()];
    const waiting = [made.ask(question, one.signal), made.ask(question, two.signal)];
    one.abort();
    await waiting[0];
    assert.equal(asked[0]?.signal.aborted, false);
    two.abort();
    await waiting[1];
    assert.equal(asked[0]?.signal.aborted, true);
    assert.equal(made.flights, 0);
    // Who comes now is not told of the one that was given up.
    const again = made.ask(question);
    assert.equal(asked.length, 2);
    asked[1]?.answer(outcome('good'));
    await again;
    await made.ask(question, AbortSignal.abort());
    assert.equal(asked.length, 2, 'who has left already asks nothing');
  });

  test('after a failure nobody waits for a while that grows, and a success ends it', async () => {
    const { desk: made, asked, outcomes } = desk();
    const fails: AskOutcome = { kind: 'none', problem: 'timeout', detail: '' };
    const ask = async (result: AskOutcome): Promise<boolean> => {
      const before = asked.length;
      const asking = made.ask(question);
      asked[before]?.answer(result);
      await asking;
      return asked.length > before;
    };
    assert.ok(await ask(fails));
    assert.ok(!(await ask(fails)));
    clock.advance(1000);
    assert.ok(await ask(fails));
    clock.advance(1000);
    assert.ok(!(await ask(fails)), 'twice as long now');
    clock.advance(1000);
    assert.ok(await ask(outcome('good')));
    clock.advance(HOUR);
    assert.ok(await ask(fails));
    clock.advance(1000);
    assert.ok(await ask(outcome('good')), 'a second again');
    assert.deepEqual(outcomes, ['timeout', 'timeout', 'good', 'timeout', 'good']);
  });

  test('T36: an older answer is a replay: what is known stays', async () => {
    const { desk: made, asked, told, outcomes, answers } = desk();
    const ask = async (result: AskOutcome): Promise<void> => {
      const asking = made.ask(question);
      asked.at(-1)?.answer(result);
      await asking;
      clock.advance(HOUR);
    };
    const start = clock.now();
    await ask(outcome('revoked'));
    await ask(outcome('good', { thisUpdate: start - MINUTE, producedAt: clock.now() }));
    await ask(outcome('good', { thisUpdate: start, producedAt: start - 1000 }));
    await ask(outcome('good', { thisUpdate: start }));
    assert.equal(known(answers)?.status, 'revoked');
    assert.deepEqual(outcomes, ['revoked', 'replayed', 'replayed', 'replayed']);
    assert.equal(told.length, 1);
    await ask(outcome('good', { thisUpdate: start + MINUTE }));
    assert.equal(known(answers)?.status, 'good', 'a hold was released');
  });

  test('T36: unknown is not good, undoes nothing that was signed, and is believed for a minute', async () => {
    const { desk: made, asked, answers } = desk();
    const ask = async (result: AskOutcome): Promise<void> => {
      const asking = made.ask(question);
      asked.at(-1)?.answer(result);
      await asking;
    };
    const start = clock.now();
    await ask({ kind: 'unknown' });
    assert.equal(known(answers)?.status, 'unknown');
    assert.equal(known(answers)?.refreshAt, start + MINUTE);
    clock.advance(MINUTE);
    await ask(outcome('good', { thisUpdate: start - MINUTE, fresh: 2 * HOUR }));
    assert.equal(known(answers)?.status, 'good', 'it was issued a moment ago');
    clock.advance(HOUR);
    await ask({ kind: 'unknown' });
    assert.equal(known(answers)?.status, 'good', 'signed, and current');
    clock.advance(HOUR);
    await ask({ kind: 'unknown' });
    assert.equal(known(answers)?.status, 'unknown');
    clock.advance(MINUTE);
    await ask(outcome('revoked'));
    clock.advance(2 * HOUR);
    await ask({ kind: 'unknown' });
    assert.equal(known(answers)?.status, 'revoked');
  });

  test('asks again well ahead of the end, and at least as often as the configuration says', async () => {
    const { desk: made, asked, told } = desk();
    const start = clock.now();
    void made.ask(question);
    asked[0]?.answer(outcome('good', { fresh: HOUR / 2 }));
    void made.ask(questionOf(other));
    asked[1]?.answer(outcome('good', { fresh: 1000 * HOUR }));
    await Promise.all([made.ask(question), made.ask(questionOf(other))]);
    assert.deepEqual(
      told.map(({ refreshAt }) => (refreshAt - start) / HOUR),
      [0.3125, 1],
    );
    made.stop();
  });

  test('questions at once are bounded', async () => {
    const { desk: made, asked, outcomes } = desk();
    for (let at = 0; at < 1024; at += 1) {
      const certificate = {
        ...client.certificate,
        serialHex: at.toString(16),
        notAfter: 0,
      } as typeof client.certificate;
      void made.ask({ ...question, certificate });
    }
    assert.equal(asked.length, 1024);
    await made.ask(question);
    assert.deepEqual([asked.length, outcomes], [1024, ['overload']]);
    made.stop();
    assert.ok(asked.every(({ signal }) => signal.aborted));
    await made.ask(question);
    assert.equal(asked.length, 1024);
  });
});

describe('answers that are kept', () => {
  const answer = (serialHex: string, status: OcspAnswer['status'], more: Partial<OcspAnswer> = {}): OcspAnswer => ({
    issuerKeyHash: issuerHash,
    serialHex,
    status,
    reason: status === 'revoked' ? 'keyCompromise' : undefined,
    revokedAt: status === 'revoked' ? 1000 : undefined,
    thisUpdate: 1000,
    producedAt: 1000,
    freshUntil: 2000,
    refreshAt: 1500,
    notAfter: 9000,
    ...more,
  });

  test('are bounded: those used longest ago go, but neither revoked ones nor those in use', () => {
    const answers = new OcspAnswers({ maxCount: 3, isPinned: ({ serialHex }) => serialHex === 'aa' });
    answers.put(answer('aa', 'good'));
    answers.put(answer('bb', 'revoked'));
    for (const serial of ['01', '02']) answers.put(answer(serial, 'good'));
    answers.get(issuerHash, '01');
    for (const serial of ['03', '04']) answers.put(answer(serial, 'good'));
    const kept = answers.all().map(({ serialHex }) => serialHex);
    assert.deepEqual(kept.toSorted(), ['03', '04', 'aa', 'bb']);
    assert.deepEqual(
      answers.revoked().map(({ serialHex }) => serialHex),
      ['bb'],
    );
    answers.purgeExpired(9001);
    assert.equal(answers.size, 0);
  });

  test('T36: revocations outlive a restart, so that no answer of before can be replayed', async () => {
    using folder = temporaryFolder();
    const problems: TrustError[] = [];
    const store = new OcspStore(folder.in('ocsp', 'partners.json'), (problem) => problems.push(problem));
    assert.deepEqual(await store.load(), []);
    store.keep([answer('01', 'revoked')]);
    store.keep([answer('01', 'revoked'), answer('02', 'revoked', { reason: 'certificateHold' })]);
    await store.settled();
    const loaded = await new OcspStore(folder.in('ocsp', 'partners.json'), () => assert.fail()).load();
    assert.deepEqual(loaded, [answer('01', 'revoked'), answer('02', 'revoked', { reason: 'certificateHold' })]);
    const answers = new OcspAnswers({ maxCount: 10 });
    for (const one of loaded) answers.put(one);
    assert.equal(answers.put(answer('01', 'good', { thisUpdate: 999 })), false);
    for (const content of ['{', '[]', '{"version":2,"revoked":[]}', '{"version":1,"revoked":[{}]}', 'null']) {
      writeFileSync(folder.in('ocsp', 'partners.json'), content);
      assert.deepEqual(await store.load(), [], content);
    }
    assert.deepEqual(new Set(problems.map(({ code }) => code)), new Set(['state_malformed']));
    writeFileSync(folder.in('file'), '');
    const broken = new OcspStore(folder.in('file', 'x.json'), (problem) => problems.push(problem));
    broken.keep([]);
    await broken.settled();
    assert.equal(problems.at(-1)?.code, 'state_unwritable');
  });
});

describe('the health of responders', () => {
  test('three failures in a row, and one is left alone for a while that grows; one question tries it then', () => {
    const changes: string[] = [];
    const health = new ResponderHealth({
      now: clock.now,
      random: () => 0.5,
      onChange: (url, isUp, why) => changes.push(`${url.host} ${isUp ? 'up' : `down: ${why}`}`),
    });
    const url = new URL('http://ocsp.test/');
    const fail = (times: number): void => {
      for (let time = 0; time < times; time += 1) health.tried(url, 'timeout');
    };
    fail(2);
    assert.equal(health.isResting(url), false);
    fail(1);
    assert.deepEqual([health.isResting(url), health.resting()], [true, ['http://ocsp.test/']]);
    assert.equal(health.isResting(new URL('http://other.test/')), false);
    clock.advance(1000);
    assert.equal(health.isResting(url), false, 'one tries');
    assert.equal(health.isResting(url), true, 'the next does not wait for that');
    fail(1);
    clock.advance(1999);
    assert.equal(health.isResting(url), true);
    clock.advance(1);
    assert.equal(health.isResting(url), false);
    health.tried(url, undefined);
    assert.equal(health.isResting(url), false);
    assert.deepEqual(changes, ['ocsp.test down: timeout', 'ocsp.test up']);
  });
});
