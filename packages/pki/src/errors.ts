/**
 * Every way in which `pki` refuses bytes or arguments: a stable code and the words for it.
 * A code is a promise to callers; the words may be improved.
 */
export const PKI_ERRORS = {
  der_truncated: 'the encoding ends before the element does',
  der_trailing: 'bytes follow where the element should have ended',
  der_tag: 'an element of another type was expected',
  der_length: 'a length is not in its shortest definite form',
  der_boolean: 'a BOOLEAN is neither 00 nor FF',
  der_integer: 'an INTEGER is empty or not in its shortest form',
  der_integer_range: 'an INTEGER is outside the range allowed here',
  der_bit_string: 'a BIT STRING is empty or its padding is not zero',
  der_null: 'a NULL has content',
  der_oid: 'an OBJECT IDENTIFIER is not well-formed',
  der_time: 'a time is not in the form that DER and RFC 5280 ask for',
  der_string: 'a character string holds octets that its type does not allow',
  der_set_order: 'the elements of a SET OF are not in ascending order',
  der_default: 'a value equal to its DEFAULT is encoded',
  der_depth: 'elements are nested too deeply',
  der_size: 'the encoding is larger than the limit',
  algorithm_malformed: 'an algorithm identifier or its parameters are malformed',
  algorithm_mismatch: 'the algorithm in the signed part differs from the one outside',
  algorithm_unsupported: 'the algorithm is not supported',
  name_malformed: 'a distinguished name is malformed',
  general_name_malformed: 'a general name is malformed',
  key_malformed: 'a public key is malformed',
  key_explicit_curve: 'the public key spells out its own curve parameters, which is not allowed',
  key_unsupported: 'the kind of key is not supported',
  private_key_malformed: 'a private key is malformed',
  private_key_passphrase: 'the passphrase does not open the private key',
  password_algorithm_unsupported: 'the password-based algorithm is not supported',
  password_cost: 'the password-based algorithm costs more than the limit',
  cms_malformed: 'the CMS message is malformed, or not a certs-only one',
  ocsp_malformed: 'the OCSP request or response is malformed',
  pkcs12_malformed: 'the PKCS#12 file is malformed',
  private_key_weak_encryption: 'the encryption of the private key costs too little or too much',
  cert_version: 'the version of the certificate is not 1, 2 or 3, or does not allow what it holds',
  cert_serial: 'the serial number is malformed',
  cert_validity: 'the validity of the certificate is malformed',
  ext_malformed: 'a known extension is malformed',
  ext_duplicate: 'an extension occurs twice',
  ext_too_many: 'there are more extensions than the limit',
  csr_malformed: 'the certificate request is malformed',
  crl_version: 'the version of the CRL is neither 1 nor 2, or does not allow what it holds',
  crl_malformed: 'the CRL is malformed',
  pem_malformed: 'the PEM text is malformed',
  pem_label: 'the PEM block has another label than the one asked for',
  pem_size: 'the PEM text is larger than the limit',
  argument: 'an argument is outside what the function accepts',
} as const;

/** A stable code of {@link PKI_ERRORS}. */
export type PkiErrorCode = keyof typeof PKI_ERRORS;

/**
 * The only error that `pki` throws: malformed input or misuse.
 * `offset`, where given, counts octets from the start of the buffer that was being read.
 *
 * @example
 * try { parseCertificate(der); } catch (error) { if (error instanceof PkiError) console.error(error.code, error.offset); }
 */
export class PkiError extends Error {
  readonly code: PkiErrorCode;
  readonly offset: number | undefined;

  constructor(code: PkiErrorCode, detail?: string, offset?: number) {
    super(detail === undefined ? PKI_ERRORS[code] : `${PKI_ERRORS[code]}: ${detail}`);
    this.name = 'PkiError';
    this.code = code;
    this.offset = offset;
  }
}
