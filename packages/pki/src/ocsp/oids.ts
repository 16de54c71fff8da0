/** Object identifiers of OCSP (RFC 6960, RFC 6962). */
export const OCSP_OID = {
  basicResponse: '1.3.6.1.5.5.7.48.1.1',
  nonce: '1.3.6.1.5.5.7.48.1.2',
  crlReference: '1.3.6.1.5.5.7.48.1.3',
  archiveCutoff: '1.3.6.1.5.5.7.48.1.6',
  extendedRevoke: '1.3.6.1.5.5.7.48.1.9',
  signedCertificateTimestamps: '1.3.6.1.4.1.11129.2.4.5',
} as const;
