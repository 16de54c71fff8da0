import { nameToString, decodeBase64, OID, parseCsr, pemEncode, PkiError } from '@countersign/pki';
import type { Csr } from '@countersign/pki';
import { typedNames } from '../certificate-names.ts';
import { describeNames, nameSet, namesNotProven, parseTypedName } from '../names.ts';
import type { NameSet } from '../names.ts';
import { refuse } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';

/** What an EST client sends, read as far as EST itself asks. Its signature and its key are looked at where certificates are issued. */
export interface EstRequest {
  readonly csr: Csr;
  readonly pem: string;
  readonly sans: NameSet;
  /** The common names of its subject, as they are written. */
  readonly commonNames: readonly string[];
}

/** id-cmc-changeSubjectName (RFC 7030, section 4.2.2): the wish to be called otherwise. */
const changeSubjectName = '1.3.6.1.5.5.7.7.36';

/** Octets of base64 by RFC 8951, section 3: white space counts for nothing. Undefined for what is none. */
export function decodeBody(text: string): Uint8Array | undefined {
  try {
    return decodeBase64(text.replaceAll(/[ \t\r\n]+/gu, ''));
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}

/** Reads the body of an enrollment: a PKCS#10 request in base64 (RFC 7030, section 4.2.1; RFC 8951). */
export function readEstRequest(body: unknown): Outcome<{ request: EstRequest }> {
  const der = typeof body === 'string' ? decodeBody(body) : undefined;
  if (der === undefined || der.length === 0)
    return refuse('csr_invalid', 'the body is a certificate request (PKCS#10, DER) in base64, without PEM lines');
  let csr: Csr;
  try {
    csr = parseCsr(der);
  } catch (error) {
    if (error instanceof PkiError) return refuse('csr_invalid', `${error.message} (${error.code})`);
    throw error;
  }
  if (csr.attributes.some(({ type }) => type === changeSubjectName))
    return refuse('name_not_proven', 'the certificate request asks for another name (changeSubjectName)');
  const sans = typedNames(csr.requestedExtensions.subjectAltName ?? []);
  if ('malformed' in sans) return refuse('name_not_proven', `the certificate request asks for ${sans.malformed}`);
  const commonNames = csr.subject.rdns
    .flat()
    .filter(({ type }) => type === OID.commonName)
    .map(({ value }) => value ?? '');
  return {
    ok: true,
    request: { csr, pem: pemEncode('CERTIFICATE REQUEST', der), sans: nameSet(sans), commonNames },
  };
}

/**
 * Whether a request asks for nothing beyond `granted`. Names come from the door and never from here; but whoever asks for a name
 * and would get another is told so. What else a subject says (country, organization, …) is not certified, and does not matter.
 */
export function asksWithin({ sans, commonNames }: EstRequest, granted: NameSet): Outcome<object> {
  const extra = namesNotProven(sans, granted);
  if (extra.length > 0)
    return refuse('name_not_proven', `the certificate request asks for ${describeNames(extra)}, which is not granted`);
  const foreign = commonNames.find((name) => !isGranted(name, granted));
  return foreign === undefined
    ? { ok: true }
    : refuse('name_not_proven', `the certificate request asks for name ${JSON.stringify(foreign)}, not granted here`);
}

/** A common name counts as a name of any type: clients write their host name there. */
function isGranted(text: string, granted: NameSet): boolean {
  return (['cn', 'dns', 'ip', 'email'] as const).some((type) => {
    const name = parseTypedName(type, text);
    return !('malformed' in name) && namesNotProven(nameSet([name]), granted).length === 0;
  });
}

/** Whether a request is for exactly the names of a certificate: its subject and its subjectAltNames (RFC 7030, section 4.2.2). */
export function asksForSame(request: EstRequest, subject: string, sans: NameSet): Outcome<object> {
  const own = nameToString(request.csr.subject);
  if (own !== subject)
    return refuse('name_not_proven', `re-enrollment is for the same subject: ${subject}, and not ${own || 'none'}`);
  const differing = [...namesNotProven(sans, request.sans), ...namesNotProven(request.sans, sans)];
  return differing.length === 0
    ? { ok: true }
    : refuse('name_not_proven', `re-enrollment is for the same subjectAltNames: ${describeNames(differing)} differs`);
}
