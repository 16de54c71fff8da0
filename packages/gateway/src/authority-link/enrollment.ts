import { createHash, X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { bundleSchema, issuedCertificateSchema, tokenPayloadSchema } from '@countersign/protocol';
import { AuthorityClient, AuthorityError } from './authority-client.ts';
import { requestCertificate } from './certificate-request.ts';
import type { Pair } from './pair-files.ts';

/** What enrollment gives: the gateway's own certificate, and the roots it trusts from then on. */
export interface Enrolled extends Pair {
  /** PEM. */
  readonly ca: string;
}

const TIMEOUT_MS = 10_000;
const MAX_BUNDLE = 1_000_000;

/**
 * Redeems an enrollment token. The authority's root is fetched first, over a connection that proves nothing, and held against
 * the fingerprint in the token; only then, over TLS that this root vouches for, the token is sent.
 *
 * @param url - of the authority, as the configuration has it
 * @param token - the JWT; only the authority can check its signature
 * @throws AuthorityError `token_malformed`, `root_mismatch`, `unreachable`, or what the authority answers
 */
export async function enroll(url: URL, token: string): Promise<Enrolled> {
  const { sub, root } = readToken(token);
  const ca = await fetchRoot(url, root);
  const client = new AuthorityClient(url, { ca });
  try {
    const { key, csr } = await requestCertificate(sub);
    const answer = issuedCertificateSchema.parse(await client.post('/v1/enroll', { csr }, `Bearer ${token}`));
    return { cert: answer.certificate, key, ca: answer.ca };
  } finally {
    client.close();
  }
}

function readToken(token: string): { sub: string; root: string } {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return tokenPayloadSchema.parse(payload);
  } catch (error) {
    throw new AuthorityError('token_malformed', 0, 'the enrollment token cannot be read', { cause: error });
  }
}

async function fetchRoot(url: URL, fingerprint: string): Promise<string> {
  const { anchors } = bundleSchema.parse(JSON.parse(await getUnverified(new URL('/v1/bundle', url))));
  const root = anchors.find((pem) => sha256(new X509Certificate(pem).raw) === fingerprint);
  if (root === undefined) {
    throw new AuthorityError(
      'root_mismatch',
      0,
      `the authority at ${url.host} is not the one that made the token: its root is another`,
    );
  }
  return root;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Nothing that comes from here is believed, and nothing is told. */
function getUnverified(url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) =>
      reject(
        new AuthorityError('unreachable', 0, `the authority at ${url.host} cannot be reached: ${error.message}`, {
          cause: error,
        }),
      );
    const call = request(url, { rejectUnauthorized: false, agent: false, timeout: TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_BUNDLE) response.destroy(new Error('the answer is too long'));
      });
      response.on('error', fail);
      response.on('end', () => resolve(text));
    });
    call.on('timeout', () => call.destroy(new Error('no answer in time')));
    call.on('error', fail);
    call.end();
  });
}
