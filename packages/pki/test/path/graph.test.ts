import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  assembleSigned,
  basicConstraints,
  buildAndValidate,
  der,
  encodeExtension,
  equalOctets,
  nameEquals,
  parseCertificate,
  schemeAlgorithm,
  trustAnchor,
  type Certificate,
  type Crypto,
} from '../../src/index.ts';
import { named, NOW } from './support/forge.ts';

// Graphs of certificates with make-believe signatures: a signature is the number of the key that made it. So thousands of
// graphs can be searched, and a search that tries every chain there is tells whether the answers are right.

const YEAR = 365 * 86_400_000;
const ALGORITHM = schemeAlgorithm('ecdsa-sha256');

interface Node {
  readonly name: number;
  readonly key: number;
  readonly issuerName: number;
  readonly issuerKey: number;
  readonly kind: 'ca' | 'no ca' | 'expired' | 'short';
}

function spkiOf(key: number): Uint8Array {
  const point = new Uint8Array(65).fill(key + 1);
  point[0] = 4;
  const algorithm = der.sequence(der.oid('1.2.840.10045.2.1'), der.oid('1.2.840.10045.3.1.7'));
  return der.sequence(algorithm, der.bitString(point));
}

function encode(node: Node, serial: number): Certificate {
  const constraints = basicConstraints(
    node.kind === 'short' ? { ca: true, pathLen: 0 } : { ca: node.kind !== 'no ca' },
  );
  const tbs = der.sequence(
    der.explicit(0, der.integer(2)),
    der.integer(serial + 1),
    ALGORITHM.der,
    named(`CA ${node.issuerName}`).der,
    der.sequence(der.time(NOW - YEAR), der.time(node.kind === 'expired' ? NOW - 1000 : NOW + YEAR)),
    named(`CA ${node.name}`).der,
    spkiOf(node.key),
    der.explicit(3, der.sequence(encodeExtension(constraints))),
  );
  return parseCertificate(assembleSigned(tbs, 'ecdsa-sha256', Uint8Array.of(node.issuerKey)));
}

function makeBelieve(): Crypto & { checks: number } {
  return {
    checks: 0,
    verify(_scheme, spki, _data, signature) {
      this.checks += 1;
      return equalOctets(spki, spkiOf(signature[0] ?? -1));
    },
    digest: () => new Uint8Array(32),
  };
}

function isSignedBy(cert: Certificate, issuer: Certificate): boolean {
  return nameEquals(cert.issuer, issuer.subject) && equalOctets(issuer.spki.der, spkiOf(cert.signature[0] ?? -1));
}

/** RFC 5280 for these graphs, written as plainly as can be: the path from the leaf up, the anchor last. */
function isValid(path: readonly Certificate[]): boolean {
  return path.every((cert, i) => {
    const issuer = path[i + 1];
    const intermediates = path.slice(1, i).filter((one) => !nameEquals(one.subject, one.issuer)).length;
    const isUsable =
      i === 0 || (cert.basicConstraints?.ca === true && intermediates <= (cert.basicConstraints.pathLen ?? Infinity));
    return cert.notAfter >= NOW && isUsable && (issuer === undefined || isSignedBy(cert, issuer));
  });
}

function someValidPath(
  chain: readonly Certificate[],
  bag: readonly Certificate[],
  anchors: readonly Certificate[],
): boolean {
  const top = chain.at(-1)!;
  if (anchors.some((anchor) => isSignedBy(top, anchor) && isValid([...chain, anchor]))) return true;
  return bag.some(
    (cert) => !chain.includes(cert) && isSignedBy(top, cert) && someValidPath([...chain, cert], bag, anchors),
  );
}

/** Names and their keys: some names have two. The last is the trust anchor's. */
const IDENTITIES = [
  { name: 0, key: 0 },
  { name: 0, key: 1 },
  { name: 1, key: 2 },
  { name: 1, key: 3 },
  { name: 2, key: 4 },
  { name: 4, key: 5 },
] as const;

const identity = fc.constantFrom(...IDENTITIES);
const node = fc
  .record({
    subject: fc.constantFrom(...IDENTITIES.slice(0, -1)),
    issuer: identity,
    /** A signature by another key than the issuer's, now and then. */
    forged: fc.constantFrom(false, false, false, false, true),
    kind: fc.constantFrom<Node['kind']>('ca', 'ca', 'ca', 'no ca', 'expired', 'short'),
  })
  .map(({ subject, issuer, forged, kind }): Node => {
    return { ...subject, issuerName: issuer.name, issuerKey: forged ? 8 : issuer.key, kind };
  });
const anchor = fc.constantFrom<Node['kind']>('ca', 'ca', 'ca', 'short', 'expired').map((kind): Node => {
  return { name: 4, key: 5, issuerName: 4, issuerKey: 5, kind };
});

describe('any graph of certificates', () => {
  test('gives a path when there is a valid one, and that path is valid', () => {
    let found = 0;
    fc.assert(
      fc.property(fc.array(node, { maxLength: 10 }), anchor, identity, (nodes, top, issuer) => {
        const bag = nodes.map(encode);
        const root = encode(top, 100);
        const leaf = encode({ name: 9, key: 9, issuerName: issuer.name, issuerKey: issuer.key, kind: 'no ca' }, 101);
        const crypto = makeBelieve();
        const result = buildAndValidate(leaf, {
          anchors: [trustAnchor(root)],
          intermediates: bag,
          time: NOW,
          crypto,
        });
        if (result.ok) {
          found += 1;
          assert.ok(isValid(result.path));
          assert.equal(result.path.at(-1), root);
        } else {
          assert.equal(someValidPath([leaf], bag, [root]), false, `${result.code} ${result.detail}`);
        }
        assert.ok(crypto.checks <= 128);
      }),
      { numRuns: 1500 },
    );
    assert.ok(found > 100, `${found} graphs had a path`);
  });
});
