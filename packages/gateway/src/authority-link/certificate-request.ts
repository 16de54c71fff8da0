import { buildCsr, buildName, pemEncode } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';

/** A fresh key, and the request (PEM) that proves its possession. */
export interface KeyedRequest {
  readonly key: string;
  readonly csr: string;
}

/** Makes a P-256 key and a request for `name`; what else the certificate says, the authority knows. */
export async function requestCertificate(name: string): Promise<KeyedRequest> {
  const { privateKey } = await generateKeyPair('p256');
  const der = await buildCsr({ subject: buildName([{ type: 'CN', value: name }]) }, nodeSigner(privateKey));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    csr: pemEncode('CERTIFICATE REQUEST', der),
  };
}
