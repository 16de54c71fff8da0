import { buildCsr, buildName, pemEncode } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';

/** A key and the certificate request for it. */
export interface Request {
  readonly keyPem: string;
  readonly csr: string;
}

/** Makes a P-256 key and its request. */
export async function newRequest(): Promise<Request> {
  const { privateKey } = await generateKeyPair('p256');
  const template = { subject: buildName([{ type: 'CN', value: 'bench' }]), extensions: [] };
  const csr = await buildCsr(template, nodeSigner(privateKey));
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    csr: pemEncode('CERTIFICATE REQUEST', csr),
  };
}

/** The body of POST /v1/certificates for the nth client. */
export function issueBody(n: number, csr: string): string {
  return JSON.stringify({
    name: `bench-${n}`,
    profile: 'client',
    sans: [{ type: 'dns', value: 'bench.example' }],
    csr,
  });
}
