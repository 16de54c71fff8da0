import { CMS_OID, equalOctets, PkiError, readKeyDelivery, recipientOf } from '@countersign/pki';
import type { Certificate, Csr, KeyDelivery, RecipientProblem } from '@countersign/pki';
import { keyHashOf } from '../ca.ts';
import { refuse } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';

const problems: Readonly<Record<RecipientProblem, string>> = {
  recipient_key_signs_only: 'its key only signs: it takes RSA, or EC on P-256, P-384 or P-521',
  recipient_key_usage: 'its key usage allows no keyEncipherment (RSA) or keyAgreement (EC)',
  recipient_key_weak: 'its key is too weak',
};

/** Key wraps that a list of capabilities may name: AES-128, AES-192, AES-256, triple DES. */
const keyWraps = new Set([
  '2.16.840.1.101.3.4.1.5',
  '2.16.840.1.101.3.4.1.25',
  CMS_OID.aes256Wrap as string,
  '1.2.840.113549.1.9.16.3.6',
]);

/**
 * To whom a key that is made for a request is encrypted (RFC 7030, section 4.4.1): to the certificate that the client has shown on this
 * connection, and to nothing else. The client may name that key, by its subjectKeyIdentifier or the SHA-256 of its SubjectPublicKeyInfo,
 * and the algorithms that it can open. The key in the request itself counts for nothing (section 4.4.1).
 */
export function keyRecipient(csr: Csr, shown: Certificate | undefined): Outcome<{ recipient: Certificate }> {
  let wanted: KeyDelivery;
  try {
    wanted = readKeyDelivery(csr);
  } catch (error) {
    if (error instanceof PkiError) return refuse('csr_invalid', `${error.message} (${error.code})`);
    throw error;
  }
  const refused = (why: string): Outcome<never> => refuse('key_not_deliverable', why);
  if (wanted.sharedKeyId !== undefined)
    return refused('no symmetric keys are shared with clients here (DecryptKeyIdentifier)');
  if (shown === undefined)
    return refused(
      'a key leaves only encrypted to the certificate that the client shows on this connection: it shows none',
    );
  if (wanted.clientKeyId !== undefined && !isKeyOf(shown, wanted.clientKeyId))
    return refused("AsymmetricDecryptKeyIdentifier is not the key of the client's certificate on this connection");
  const way = recipientOf(shown);
  if (!way.ok) return refused(`nothing can be encrypted to the client's certificate: ${problems[way.code]}`);
  const { capabilities } = wanted;
  if (capabilities !== undefined && !capabilities.includes(CMS_OID.aes256Cbc))
    return refused('the SMIMECapabilities of the request do not name AES-256-CBC');
  const agreed = way.by === 'key-agreement' && capabilities?.some((one) => keyWraps.has(one)) === true;
  if (agreed && !capabilities.includes(CMS_OID.aes256Wrap))
    return refused('the SMIMECapabilities of the request name key wraps, but not that of AES-256');
  return { ok: true, recipient: shown };
}

function isKeyOf({ subjectKeyId, spki }: Certificate, id: Uint8Array): boolean {
  const named = subjectKeyId !== undefined && equalOctets(subjectKeyId, id);
  return named || keyHashOf(spki.der) === Buffer.from(id).toString('hex');
}
