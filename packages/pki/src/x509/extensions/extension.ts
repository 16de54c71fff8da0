/** One extension as it stands in a certificate, a CRL or a request. */
export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of the OCTET STRING: the encoding of the extension's own type. */
  readonly value: Uint8Array;
}
