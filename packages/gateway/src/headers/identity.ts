/**
 * How the upstream learns who the client is. `Client-Cert` and `Client-Cert-Chain` are RFC 9440's; beside them stand readable
 * fields for services that do not want to parse a certificate:
 *
 * | field | value |
 * |---|---|
 * | `Countersign-Client-Name` | the common name |
 * | `Countersign-Client-Profile` | the profile the certificate was issued under, where it is of our authority |
 * | `Countersign-Client-Serial` | serial number, lower-case hex |
 * | `Countersign-Client-Fingerprint` | SHA-256 of the certificate, lower-case hex |
 * | `Countersign-Client-San` | `dns:a.test, uri:spiffe://a/b`: typed names, separated by a comma and a space |
 *
 * Values are percent-encoded as UTF-8 except for characters that cannot be misread, so that a name can neither add a field
 * nor pass for two names: `decodeURIComponent` gives back what the certificate says.
 */
import type { ClientIdentity, Peer } from '../connection.ts';

/** Field lines that name the client, each ended by CRLF; empty without a judged certificate. */
export function identityFields(peer: Peer): string {
  if (peer.kind !== 'accepted') return '';
  const identity = peer.identity;
  let fields = `Client-Cert: ${byteSequence(identity.leafDer)}\r\n`;
  const above = certificatesAbove(identity);
  if (above.length > 0) fields += `Client-Cert-Chain: ${above.map(byteSequence).join(', ')}\r\n`;
  if (identity.name !== undefined) fields += `Countersign-Client-Name: ${readable(identity.name)}\r\n`;
  if (identity.profile !== undefined) fields += `Countersign-Client-Profile: ${readable(identity.profile)}\r\n`;
  fields += `Countersign-Client-Serial: ${readable(identity.serialHex)}\r\n`;
  fields += `Countersign-Client-Fingerprint: ${readable(identity.fingerprintSha256)}\r\n`;
  const names = identity.sans.flatMap(readableName);
  if (names.length > 0) fields += `Countersign-Client-San: ${names.join(', ')}\r\n`;
  return fields;
}

/** A structured-field byte sequence, RFC 9651 section 3.3.5. */
function byteSequence(bytes: Uint8Array): string {
  return `:${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}:`;
}

/** RFC 9440 section 2.3: the chain does not repeat the end-entity certificate. */
function certificatesAbove(identity: ClientIdentity): readonly Uint8Array[] {
  const [first] = identity.chainDer;
  const repeats = first !== undefined && Buffer.compare(first, identity.leafDer) === 0;
  return repeats ? identity.chainDer.slice(1) : identity.chainDer;
}

function readableName(name: { readonly type: string; readonly value: unknown }): string[] {
  const { type, value } = name;
  if (type === 'ip' && value instanceof Uint8Array) return [`ip:${addressText(value)}`];
  if ((type === 'dns' || type === 'uri' || type === 'email') && typeof value === 'string')
    return [`${type}:${readable(value)}`];
  return [];
}

function readable(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(/%(2F|3A|40)/g, (escaped) => decodeURIComponent(escaped));
}

/**
 * Text of an iPAddress name's octets: dotted decimals, or the unabbreviated groups of RFC 4291; hex where it is neither.
 *
 * @example addressText(new Uint8Array([127, 0, 0, 1])) // '127.0.0.1'
 */
export function addressText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) return Buffer.from(octets).toString('hex');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((octets[index * 2] as number) << 8) | (octets[index * 2 + 1] as number)).toString(16),
  );
  return groups.join(':');
}
