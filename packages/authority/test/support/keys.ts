import { buildCsr, buildName, pemEncode, subjectAltName } from '@countersign/pki';
import type { GeneralName } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';
import type { KeyKind, NodeKeyPair } from '@countersign/trust';

/** A certificate request in PEM for `key`, asking for `sans`. */
export async function csrOf(key: NodeKeyPair, sans: readonly GeneralName[] = [], name = 'whoever'): Promise<string> {
  const subject = buildName([{ type: 'CN', value: name }]);
  const extensions = sans.length > 0 ? [subjectAltName(sans)] : [];
  return pemEncode('CERTIFICATE REQUEST', await buildCsr({ subject, extensions }, nodeSigner(key.privateKey)));
}

/** A new key and its request. */
export async function newRequest(
  kind: KeyKind = 'p256',
  sans: readonly GeneralName[] = [],
): Promise<{ key: NodeKeyPair; keyPem: string; csr: string }> {
  const key = await generateKeyPair(kind);
  const keyPem = key.privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { key, keyPem, csr: await csrOf(key, sans) };
}
