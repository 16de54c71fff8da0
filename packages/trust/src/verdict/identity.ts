import { nameToString } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';

import { sha256Hex } from './key-hash.ts';
import type { Identity } from './verdict.ts';

const COMMON_NAME = '2.5.4.3';
// oxlint-disable-next-line no-control-regex -- control characters are what this looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/u;

/**
 * Reads who a certificate says its holder is.
 *
 * @param path the verified path, leaf first, without its anchor: the identity comes from it and never from what else the
 *   peer may have sent.
 * @param own whether the anchor is our own: only then is the profile extension believed.
 */
export function identityOf(
  path: readonly [Certificate, ...Certificate[]],
  issuerKeyHash: string,
  own: boolean,
): Identity {
  const [leaf] = path;
  return {
    subject: nameToString(leaf.subject),
    name: commonName(leaf),
    sans: leaf.subjectAltName ?? [],
    issuer: nameToString(leaf.issuer),
    issuerKeyHash,
    fingerprintSha256: sha256Hex(leaf.der),
    spkiSha256: sha256Hex(leaf.spki.der),
    serialHex: leaf.serialHex,
    profile: own ? leaf.profile : undefined,
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    leafDer: leaf.der,
    chainDer: path.map((certificate) => certificate.der),
  };
}

/** Who was refused: not believed, only logged. */
export function claimedIdentity(leaf: Certificate): Partial<Identity> {
  return {
    subject: nameToString(leaf.subject),
    name: commonName(leaf),
    sans: leaf.subjectAltName ?? [],
    issuer: nameToString(leaf.issuer),
    fingerprintSha256: sha256Hex(leaf.der),
    spkiSha256: sha256Hex(leaf.spki.der),
    serialHex: leaf.serialHex,
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
  };
}

/** The common name when there is exactly one, of printable text: with two of them nobody can say which is meant. */
function commonName(certificate: Certificate): string | undefined {
  const names = certificate.subject.rdns.flat().filter((attribute) => attribute.type === COMMON_NAME);
  const value = names.length === 1 ? names[0]?.value : undefined;
  return value === undefined || value === '' || CONTROL.test(value) ? undefined : value;
}
