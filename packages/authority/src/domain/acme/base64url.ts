/**
 * The octets of base64url without padding (RFC 4648, section 5; RFC 8555, section 6.1). Undefined for every other spelling: whoever
 * compares or stores the text has the only one.
 */
export function decodeBase64url(text: string): Uint8Array | undefined {
  if (!/^[\w-]*$/u.test(text)) return undefined;
  const octets = Buffer.from(text, 'base64url');
  return octets.toString('base64url') === text ? octets : undefined;
}

/** Octets as base64url without padding. */
export function encodeBase64url(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('base64url');
}
