import {
  algorithmIdentifier,
  parseCsr,
  pemDecode,
  PkiError,
  TAG,
  verifySignature,
  verifySignatureElsewhere,
} from '@countersign/pki';
import type { AlgorithmIdentifier, AsyncVerifier, Crypto, Csr, SubjectPublicKeyInfo } from '@countersign/pki';
import { typedNames } from './certificate-names.ts';
import { nameSet } from './names.ts';
import type { NameSet } from './names.ts';
import { refuse } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/** Labels that requests go by; the second is what old Windows tools write. */
const labels = new Set(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']);

function parse(pem: string): Csr {
  const [block, ...more] = pemDecode(pem).filter(({ label }) => labels.has(label));
  if (block === undefined || more.length > 0)
    throw new PkiError('pem_label', 'expected exactly one CERTIFICATE REQUEST');
  return parseCsr(block.der);
}

const ecdsa = '1.2.840.10045.4.3.';

/**
 * Mbed TLS 2 writes NULL as the parameters of ECDSA, which has none (RFC 5758, section 3.2). Devices are full of it, and in a request
 * the algorithm only says how its own signature is to be checked, so that is taken for what it means.
 */
function withoutNull({ oid, parameters }: AlgorithmIdentifier): AlgorithmIdentifier {
  const isNull = parameters?.length === 2 && parameters[0] === TAG.NULL;
  return algorithmIdentifier(oid, oid.startsWith(ecdsa) && isNull ? undefined : parameters);
}

/** The TLS extension by whose number "must staple" is asked for (RFC 6066 section 8). */
const STATUS_REQUEST = 5;

/**
 * The key of a certificate request that proves its possession, the subjectAltNames it asks for, and whether it asks to be one that
 * must be stapled (RFC 7633). Its subject is not read: a holder's
 * name comes from the door. The proof is checked by `elsewhere` where that is given.
 */
export async function readRequest(
  pem: string,
  crypto: Crypto,
  elsewhere?: AsyncVerifier,
): Promise<Outcome<{ spki: SubjectPublicKeyInfo; names: NameSet; mustStaple: boolean }>> {
  let csr: Csr;
  try {
    csr = parse(pem);
  } catch (error) {
    if (error instanceof PkiError) return refuse('csr_invalid', `${error.message} (${error.code})`);
    throw error;
  }
  const signed = { ...csr, signatureAlgorithm: withoutNull(csr.signatureAlgorithm) };
  const proof =
    elsewhere === undefined
      ? verifySignature(signed, csr.spki, crypto)
      : await verifySignatureElsewhere(signed, csr.spki, elsewhere);
  if (!proof.ok) return refuse('csr_signature', `its signature does not hold (${proof.code})`);
  const names = typedNames(csr.requestedExtensions.subjectAltName ?? []);
  if ('malformed' in names) return refuse('name_not_proven', `the certificate request asks for ${names.malformed}`);
  const mustStaple = csr.requestedExtensions.tlsFeature?.includes(STATUS_REQUEST) === true;
  return { ok: true, spki: csr.spki, names: nameSet(names), mustStaple };
}
