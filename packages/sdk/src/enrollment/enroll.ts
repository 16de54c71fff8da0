import { parseIpAddress, pemEncode } from '@countersign/pki';
import type { GeneralName } from '@countersign/pki';
import type { KeyKind } from '@countersign/trust';

import { refuseDisarmedTls } from '../client/tls-options.ts';
import { SdkError } from '../errors.ts';
import { saveIdentity } from '../identity/identity-files.ts';
import type { IdentityFiles } from '../identity/identity-files.ts';
import { writeMaterial } from '../identity/material.ts';
import type { Material } from '../identity/material.ts';
import { callAuthority } from './api-call.ts';
import type { Waiting } from './api-call.ts';
import { acceptAnswer, requestKey } from './certify.ts';
import { readPendingKey, removePendingKey, writePendingKey } from './pending-key.ts';
import { endpointOf, pinRoot } from './pin-root.ts';
import { readToken } from './token.ts';
import type { TokenName } from './token.ts';

export interface EnrollOptions {
  /** What `countersign token` printed. */
  readonly token: string;
  /** The authority's base URL, where it is not the one that the token names. */
  readonly url?: string | undefined;
  /** Where to put the identity. Absent: it is only returned. */
  readonly files?: IdentityFiles | undefined;
  readonly keyKind?: KeyKind | undefined;
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number;
  readonly timeoutMs?: number | undefined;
  /** Gives up, also while an administrator is waited for. */
  readonly signal?: AbortSignal | undefined;
  /** Told once where an administrator has to approve: from then on the authority is asked until that is decided. */
  readonly onWaiting?: ((waiting: Waiting) => void) | undefined;
  /**
   * Where the key is kept while an administrator is waited for, so that another call with the same token goes on with it. It goes away
   * with the certificate in `files`, or with a refusal; without `files` it is the caller's to remove.
   */
  readonly pendingKeyFile?: string | undefined;
}

/**
 * Redeems an enrollment token: makes a key here, and gets it certified. Before anything is sent, the server must show the root
 * whose fingerprint the token carries and be certified under it; then the token goes over a connection that trusts this root
 * alone. Where the token's profile asks for the approval of an administrator, this waits until that is decided.
 *
 * @throws SdkError
 * @example
 * await enroll({ token, files: { cert: 'demo.crt', key: 'demo.key', ca: 'ca.crt' } });
 */
export async function enroll(options: EnrollOptions): Promise<Material> {
  refuseDisarmedTls();
  const { now = Date.now, keyKind = 'p256' } = options;
  const token = readToken(options.token);
  const kept = await readPendingKey(options.pendingKeyFile);
  // What waits already does so beyond the token's own time.
  if (token.expiresAt <= now() && kept === undefined) {
    throw new SdkError('token_expired', `the token ended at ${new Date(token.expiresAt).toISOString()}`);
  }
  const url = parseUrl(options.url ?? token.url);
  const root = await pinRoot(endpointOf(url), {
    fingerprint: token.rootFingerprint,
    now: now(),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  });
  const request = await requestKey(kept ?? keyKind, token.name, token.sans.map(generalName));
  const answer = await callAuthority({
    url,
    path: 'v1/enroll',
    body: { csr: request.csr },
    bearer: options.token.trim(),
    ca: pemEncode('CERTIFICATE', root.der),
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    onWaiting: async (waiting) => {
      await writePendingKey(options.pendingKeyFile, request.key);
      options.onWaiting?.(waiting);
    },
  }).catch(async (error: unknown) => {
    const status = error instanceof SdkError ? error.problem?.status : undefined;
    if (status !== undefined && status < 500) await removePendingKey(options.pendingKeyFile);
    throw error;
  });
  const material = acceptAnswer(answer, request, { known: [root], now: now() });
  if (options.files !== undefined) {
    await saveIdentity(options.files, await writeMaterial(material));
    await removePendingKey(options.pendingKeyFile);
  }
  return material;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  throw new SdkError('authority_unreachable', `${JSON.stringify(text)} is no https URL`);
}

function generalName({ type, value }: TokenName): GeneralName {
  if (type !== 'ip') return { type, value };
  const address = parseIpAddress(value);
  if (address === undefined) throw new SdkError('token_malformed', `${JSON.stringify(value)} is no IP address`);
  return { type: 'ip', value: address };
}
