import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { assembleSigned, buildTbs, type Name, subjectKeyId } from '@countersign/pki';
import { nodeSigner } from '../crypto/node-keys.ts';

/** A client picks its certificate by these; far more names than that make the handshake longer than they help. */
const MAX_HINTS = 64;

/** A signer that is thrown away with the process: nothing rests on what it signs. */
const signer = nodeSigner(generateKeyPairSync('ed25519').privateKey);

/**
 * Certificates (PEM) whose subjects are `names`, to be given to OpenSSL as its `ca`: it tells clients these names as the CAs
 * that are acceptable (RFC 8446 section 4.2.4). They carry a key of their own, so OpenSSL finds no chain and checks no
 * signature: the verdict does that once, and OpenSSL's would cost the same again and decide nothing.
 */
export function caHints(names: readonly Name[]): readonly Buffer[] {
  return names.slice(0, MAX_HINTS).map((name) => {
    const template = {
      serialNumber: randomBytes(8),
      issuer: name,
      subject: name,
      notBefore: 0,
      notAfter: Date.UTC(2049, 11, 31),
      spki: signer.spki,
      extensions: [subjectKeyId(randomBytes(20))],
    };
    const tbs = buildTbs(template, signer.scheme);
    const der = assembleSigned(tbs, signer.scheme, signer.sign(tbs) as Uint8Array);
    const base64 =
      Buffer.from(der)
        .toString('base64')
        .match(/.{1,64}/gu) ?? [];
    return Buffer.from(`-----BEGIN CERTIFICATE-----\n${base64.join('\n')}\n-----END CERTIFICATE-----\n`);
  });
}
