import { DerReader } from '../der/reader.ts';
import { octetString } from '../der/writer.ts';
import { PkiError } from '../errors.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import { OCSP_OID } from './oids.ts';

/** RFC 9654, section 2.1. */
const maxNonceOctets = 128;

/** The nonce among extensions (RFC 9654): an OCTET STRING of 1 to 128 octets within the extension's own. */
export function readNonce(extensions: readonly Extension[]): Uint8Array | undefined {
  const extension = extensions.find(({ oid }) => oid === OCSP_OID.nonce);
  if (extension === undefined) return undefined;
  const reader = new DerReader(extension.value);
  reader.octetString();
  const nonce = reader.content();
  reader.finish();
  if (nonce.length < 1 || nonce.length > maxNonceOctets) {
    throw new PkiError('ocsp_malformed', `a nonce of ${nonce.length} octets`);
  }
  return nonce;
}

/** @throws PkiError `argument` outside 1 to 128 octets */
export function nonceExtension(nonce: Uint8Array): Extension {
  if (nonce.length < 1 || nonce.length > maxNonceOctets) throw new PkiError('argument', 'length of the nonce');
  return { oid: OCSP_OID.nonce, critical: false, value: octetString(nonce) };
}
