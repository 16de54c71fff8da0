/** Object identifiers of CMS (RFC 5652) and of what is used with it here. */
export const CMS_OID = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  envelopedData: '1.2.840.113549.1.7.3',
  /** id-ct-KP-aKeyPackage (RFC 5958, section 2). */
  keyPackage: '2.16.840.1.101.2.1.2.78.5',
  // Signed attributes (RFC 5652, section 11)
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  // Key transport and key agreement (RFC 8017, RFC 5753), key wrap and content encryption (RFC 3565)
  rsaesOaep: '1.2.840.113549.1.1.7',
  ecdhSha256: '1.3.132.1.11.1',
  aes256Wrap: '2.16.840.1.101.3.4.1.45',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
} as const;
