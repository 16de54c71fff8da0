import { isPrintable } from '../der/strings.ts';
import { TAG } from '../der/tags.ts';
import { asciiString, constructed, integer, oid, sequence, setOf, utf8String } from '../der/writer.ts';
import type { Signer } from '../keys/crypto.ts';
import { assembleSigned } from '../x509/build-certificate.ts';
import { encodeExtension } from '../x509/build-extensions.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import type { Name } from '../x509/name.ts';
import { OID } from '../x509/oids.ts';
import type { CsrAttribute } from './csr.ts';

/** What a certificate request will say; the key is the signer's. */
export interface CsrTemplate {
  readonly subject: Name;
  /** Asked for with the attribute extensionRequest (RFC 2985 section 5.4.2). */
  readonly extensions?: readonly Extension[];
  readonly challengePassword?: string;
  /** Further attributes. */
  readonly attributes?: readonly CsrAttribute[];
}

/** Encodes the signed part (CertificationRequestInfo, RFC 2986 section 4.1). */
export function buildCsrInfo(template: CsrTemplate, spki: Uint8Array): Uint8Array {
  const attributes: Uint8Array[] = [];
  if (template.extensions !== undefined && template.extensions.length > 0) {
    const list = constructed(TAG.SEQUENCE, template.extensions.map(encodeExtension));
    attributes.push(sequence(oid(OID.extensionRequest), setOf([list])));
  }
  if (template.challengePassword !== undefined) {
    const text = template.challengePassword;
    const value = isPrintable(text) ? asciiString(TAG.PRINTABLE_STRING, text) : utf8String(text);
    attributes.push(sequence(oid(OID.challengePassword), setOf([value])));
  }
  for (const { type, values } of template.attributes ?? []) attributes.push(sequence(oid(type), setOf(values)));
  return sequence(integer(0), template.subject.der, spki, setOf(attributes, 0xa0));
}

/**
 * Builds and signs a certificate request (RFC 2986).
 *
 * @returns the DER encoding
 * @example
 * const der = await buildCsr({ subject: buildName([{ type: 'CN', value: 'demo' }]) }, signer);
 */
export async function buildCsr(template: CsrTemplate, signer: Signer): Promise<Uint8Array> {
  const info = buildCsrInfo(template, signer.spki);
  return assembleSigned(info, signer.scheme, await signer.sign(info));
}
