import { equalOctets, OID, parseCsr, pemEncode, PkiError } from '@countersign/pki';
import type { Csr } from '@countersign/pki';
import { typedNames } from '../certificate-names.ts';
import { describeNames, nameSet, namesNotProven, parseTypedName } from '../names.ts';
import type { NameSet, TypedName } from '../names.ts';
import { decodeBase64url } from './base64url.ts';
import type { AcmeKey } from './jwk.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome, AcmeRefused } from './problem.ts';

/** The names that a request asks for, in its subject or as subjectAltNames; both count alike (RFC 8555, section 7.4). */
function namesOfRequest(csr: Csr): NameSet | { readonly malformed: string } {
  const sans = typedNames(csr.requestedExtensions.subjectAltName ?? []);
  if ('malformed' in sans) return sans;
  const names: TypedName[] = [...sans];
  for (const { type, value } of csr.subject.rdns.flat()) {
    if (type !== OID.commonName) continue;
    const address = parseTypedName('ip', value ?? '');
    const name = 'malformed' in address ? parseTypedName('dns', value ?? '') : address;
    if ('malformed' in name) return { malformed: `a common name that is no identifier (${name.malformed})` };
    names.push(name);
  }
  return nameSet(names);
}

/**
 * Reads the request of an order: for exactly the order's names, and with another key than the account's (RFC 8555, sections 7.4 and
 * 11.1). Its signature, its key and the rest are looked at where certificates are issued.
 */
export function readOrderCsr(
  value: unknown,
  names: NameSet,
  accountKey: Pick<AcmeKey, 'spki'>,
): AcmeOutcome<{ pem: string }> {
  const der = typeof value === 'string' ? decodeBase64url(value) : undefined;
  if (der === undefined) return deny('malformed', 'csr is a certificate request in base64url');
  let csr: Csr;
  try {
    csr = parseCsr(der);
  } catch (error) {
    if (error instanceof PkiError) return deny('badCSR', `it cannot be read (${error.code})`);
    throw error;
  }
  const asked = namesOfRequest(csr);
  const fault = 'malformed' in asked ? deny('badCSR', `it asks for ${asked.malformed}`) : difference(asked, names);
  if (fault !== undefined) return fault;
  if (equalOctets(csr.spki.der, accountKey.spki)) return deny('badCSR', "its key is the account's own");
  return { ok: true, pem: pemEncode('CERTIFICATE REQUEST', der) };
}

function difference(asked: NameSet, ordered: NameSet): AcmeRefused | undefined {
  const extra = namesNotProven(asked, ordered);
  if (extra.length > 0) return deny('badCSR', `it asks for ${describeNames(extra)}, which was not ordered`);
  const missing = namesNotProven(ordered, asked);
  return missing.length > 0 ? deny('badCSR', `it does not ask for ${describeNames(missing)}`) : undefined;
}
