import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  buildAndValidate,
  certificatePolicies,
  inhibitAnyPolicy,
  OID,
  policyConstraints,
  policyMappings,
  type Extension,
  type PathResult,
  type PolicyInput,
} from '../../src/index.ts';
import { anchorsOf, countingCrypto, forge, forgeCa, NOW, type Forged } from './support/forge.ts';

const root = forgeCa('Root');
const P = (n: number): string => `1.3.6.1.4.1.55738.${n}`;

/** A chain whose certificates have these extensions, the uppermost first. */
function validate(levels: readonly Extension[][], policies: PolicyInput = {}): PathResult {
  const bag: Forged[] = [];
  let by = root;
  for (const [i, extensions] of levels.slice(0, -1).entries()) {
    by = forgeCa(`CA ${i}`, by, { extensions });
    bag.push(by);
  }
  const leaf = forge({ name: 'leaf', by, extensions: levels.at(-1) ?? [] });
  return buildAndValidate(leaf.cert, {
    anchors: anchorsOf(root),
    intermediates: bag.map(({ cert }) => cert),
    time: NOW,
    crypto: countingCrypto(),
    policies,
  });
}

function policiesOf(result: PathResult): readonly string[] | string {
  return result.ok ? result.policies.user.toSorted() : result.code;
}

const of = (...oids: string[]): Extension => certificatePolicies(oids);
const any = of(OID.anyPolicy);
const map = (...pairs: [string, string][]): Extension =>
  policyMappings(
    pairs.map(([issuerDomainPolicy, subjectDomainPolicy]) => ({ issuerDomainPolicy, subjectDomainPolicy })),
  );

describe('policies of a path', () => {
  test('are those that every certificate has', () => {
    assert.deepEqual(policiesOf(validate([[of(P(1), P(2))], [of(P(2), P(3))]])), [P(2)]);
    assert.deepEqual(policiesOf(validate([[any], [of(P(1))]])), [P(1)]);
    assert.deepEqual(policiesOf(validate([[of(P(1))], [any]])), [P(1)]);
    assert.deepEqual(policiesOf(validate([[any], [any]])), [OID.anyPolicy]);
    assert.deepEqual(policiesOf(validate([[of(P(1))], [of(P(2))]])), [], 'none, and nobody asks for one');
  });

  test('must be there where one is asked for, by us or by a certificate', () => {
    assert.equal(policiesOf(validate([[of(P(1))], [of(P(2))]], { requireExplicit: true })), 'policy');
    assert.equal(
      policiesOf(validate([[of(P(1)), policyConstraints({ requireExplicitPolicy: 0 })], [of(P(2))]])),
      'policy',
    );
    assert.equal(policiesOf(validate([[], []], { requireExplicit: true })), 'policy');
    assert.deepEqual(
      policiesOf(validate([[of(P(1))], [of(P(1))]], { requireExplicit: true, acceptable: [P(1), P(9)] })),
      [P(1)],
    );
    assert.equal(
      policiesOf(validate([[of(P(1))], [of(P(1))]], { requireExplicit: true, acceptable: [P(9)] })),
      'policy',
    );
    assert.deepEqual(policiesOf(validate([[any], [any]], { requireExplicit: true, acceptable: [P(9)] })), [P(9)]);
  });

  test('are told in the words of the trust anchor’s domain where they are mapped', () => {
    const mapped = [[of(P(1)), map([P(1), P(2)])], [of(P(2))]];
    assert.deepEqual(policiesOf(validate(mapped)), [P(1)]);
    assert.deepEqual(policiesOf(validate(mapped, { requireExplicit: true, acceptable: [P(1)] })), [P(1)]);
    assert.equal(policiesOf(validate(mapped, { requireExplicit: true, acceptable: [P(2)] })), 'policy');
    assert.equal(policiesOf(validate(mapped, { requireExplicit: true, inhibitMapping: true })), 'policy');
    assert.deepEqual(policiesOf(validate([[any, map([P(1), P(2)])], [of(P(2))]])), [P(1)], 'out of anyPolicy');
    assert.equal(policiesOf(validate([[any, map([OID.anyPolicy, P(2)])], [of(P(2))]])), 'any_policy_mapped');
  });

  test('are not anyPolicy where that is inhibited', () => {
    const explicit = { requireExplicit: true };
    assert.equal(policiesOf(validate([[any], [of(P(1))]], { ...explicit, inhibitAny: true })), 'policy');
    assert.equal(policiesOf(validate([[of(P(1)), inhibitAnyPolicy(0)], [any]], explicit)), 'policy');
    assert.deepEqual(policiesOf(validate([[of(P(1)), inhibitAnyPolicy(1)], [any], [of(P(1))]], explicit)), [P(1)]);
  });
});

test('every policy mapped to every other, level after level, costs no more than its size (RFC 9618)', () => {
  const many = Array.from({ length: 20 }, (_, i) => P(i));
  const pairs = many.flatMap((from) => many.map((to): [string, string] => [from, to]));
  const level = [of(...many), map(...pairs)];
  const result = validate([...Array.from({ length: 20 }, () => level), [of(...many)]], {
    requireExplicit: true,
    acceptable: [P(3)],
  });
  assert.deepEqual(policiesOf(result), [P(3)]);
});
