// A key that never leaves the process that made it but for the file it is kept in, and the request that proves it.
import { buildCsr, buildName, pemEncode } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';

/** A fresh key and its certificate request, both PEM. */
export interface KeyAndRequest {
  /** Unencrypted PKCS#8. */
  readonly key: string;
  readonly csr: string;
}

/**
 * Makes a P-256 key and a request for `name`. Further names go to the authority beside the request, typed.
 *
 * @example const { key, csr } = await makeKeyAndRequest('demo')
 */
export async function makeKeyAndRequest(name: string): Promise<KeyAndRequest> {
  const { privateKey } = await generateKeyPair('p256');
  const subject = buildName([{ type: 'CN', value: name }]);
  const csr = await buildCsr({ subject }, nodeSigner(privateKey));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    csr: pemEncode('CERTIFICATE REQUEST', csr),
  };
}
