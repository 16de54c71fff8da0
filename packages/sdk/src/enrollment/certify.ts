import type { KeyObject } from 'node:crypto';

import { buildAndValidate, buildCsr, buildName, pemEncode, subjectAltName } from '@countersign/pki';
import type { Certificate, GeneralName, Name } from '@countersign/pki';
import { anchorOf, generateKeyPair, nodeCrypto, nodeSigner, sha256Hex } from '@countersign/trust';
import type { KeyKind } from '@countersign/trust';

import { SdkError } from '../errors.ts';
import { assembleMaterial, readCertificates } from '../identity/material.ts';
import type { Material } from '../identity/material.ts';

/** A new key, and the request that proves possession of it. */
export interface KeyRequest {
  readonly key: KeyObject;
  /** PEM, PKCS#10. */
  readonly csr: string;
}

/** Makes a key, here and now, or takes one that was made before, and a request for a certificate over it. The key goes nowhere. */
export async function requestKey(
  kind: KeyKind | KeyObject,
  subject: Name | string,
  sans: readonly GeneralName[] = [],
): Promise<KeyRequest> {
  const privateKey = typeof kind === 'string' ? (await generateKeyPair(kind)).privateKey : kind;
  const name = typeof subject === 'string' ? buildName([{ type: 'CN', value: subject }]) : subject;
  const extensions = sans.length === 0 ? [] : [subjectAltName(sans)];
  const csr = await buildCsr({ subject: name, extensions }, nodeSigner(privateKey));
  return { key: privateKey, csr: pemEncode('CERTIFICATE REQUEST', csr) };
}

/**
 * Reads what an authority answered, and believes it only when the certificate is for our key and leads to a root that we
 * know already. Roots that the authority names besides are taken along only with one that we know.
 *
 * @param known roots of before.
 * @param now milliseconds since the epoch.
 * @throws SdkError `answer_malformed`, `answer_untrusted`
 */
export function acceptAnswer(
  answer: Record<string, unknown>,
  { key }: KeyRequest,
  { known, now }: { readonly known: readonly Certificate[]; readonly now: number },
): Material {
  const { certificate, ca } = answer;
  if (typeof certificate !== 'string' || typeof ca !== 'string') {
    throw new SdkError('answer_malformed', 'the authority answered without a certificate');
  }
  const chain = readCertificates(certificate, 'the answer');
  const roots = readCertificates(ca, 'the answer');
  const [leaf, ...intermediates] = chain;
  const result = buildAndValidate(leaf, {
    anchors: known.map(anchorOf),
    intermediates,
    // A clock that is a little behind must not refuse what was issued just now.
    time: Math.max(now, leaf.notBefore),
    crypto: nodeCrypto,
    purpose: 'any',
  });
  if (!result.ok) throw new SdkError('answer_untrusted', `the certificate does not lead to our root: ${result.detail}`);
  const fingerprints = new Set(roots.map((root) => sha256Hex(root.der)));
  if (!known.some((root) => fingerprints.has(sha256Hex(root.der)))) {
    throw new SdkError('answer_untrusted', 'the authority named none of the roots that we know');
  }
  try {
    return assembleMaterial(key, chain, roots);
  } catch (error) {
    throw new SdkError('answer_untrusted', 'the certificate is not for the key that asked for it', { cause: error });
  }
}
