import { buildCsr, buildName, der, parseCertsOnly, pemEncode, subjectAltName } from '@countersign/pki';
import type { CsrAttribute, GeneralName, NameAttribute } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';
import type { NodeKeyPair } from '@countersign/trust';
import { call } from './client.ts';
import type { Answer, Target } from './client.ts';

/** A request as an EST client sends it, and its key. */
export interface EstTestRequest {
  readonly key: NodeKeyPair;
  readonly keyPem: string;
  /** Base64. */
  readonly body: string;
}

/** Makes one. */
export async function estRequest(
  subject: readonly NameAttribute[],
  sans: readonly GeneralName[] = [],
  attributes: readonly CsrAttribute[] = [],
): Promise<EstTestRequest> {
  const key = await generateKeyPair('p256');
  const extensions = sans.length > 0 ? [subjectAltName(sans)] : [];
  const octets = await buildCsr({ subject: buildName(subject), extensions, attributes }, nodeSigner(key.privateKey));
  const keyPem = key.privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { key, keyPem, body: Buffer.from(octets).toString('base64') };
}

/** An attribute that asks to be called otherwise (RFC 6402, section 2.8). */
export const changeSubjectName: CsrAttribute = {
  type: '1.3.6.1.5.5.7.7.36',
  values: [der.sequence(buildName([{ type: 'CN', value: 'someone-else' }]).der)],
};

/** POSTs a request. */
export function enrollBy(
  target: Target,
  path: string,
  body: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const type = { 'content-type': 'application/pkcs10' };
  return call(target, 'POST', `/.well-known/est/${path}`, body, { ...type, ...headers });
}

/** HTTP Basic with a token. */
export function basic(token: string, user = 'device'): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}` };
}

/** The certificates of an answer, in PEM. */
export function certificatesOf(answer: Answer): string[] {
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  const { certificates } = parseCertsOnly(Buffer.from(answer.text, 'base64'));
  return certificates.map((octets) => pemEncode('CERTIFICATE', octets));
}
