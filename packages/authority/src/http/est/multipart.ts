import { randomUUID } from 'node:crypto';
import { encodeBase64 } from '@countersign/pki';

/** One part of a body: its type and its octets. */
export interface BodyPart {
  readonly type: string;
  readonly octets: Uint8Array;
}

/**
 * A multipart/mixed body (RFC 2046, section 5.1) of parts in base64 (RFC 7030, section 4.4.2). Parts of MIME say so, unlike bodies of EST
 * (RFC 8951, section 3.1): readers of multipart go by it.
 */
export function multipart(parts: readonly BodyPart[]): { readonly type: string; readonly body: string } {
  // A hyphen is no character of base64: no part can contain it.
  const boundary = `countersign-${randomUUID()}`;
  const written = parts.map(({ type, octets }) => {
    const text = encodeBase64(octets).replaceAll(/.{1,64}/gu, '$&\r\n');
    return `--${boundary}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n\r\n${text}`;
  });
  return { type: `multipart/mixed; boundary=${boundary}`, body: `${written.join('')}--${boundary}--\r\n` };
}
