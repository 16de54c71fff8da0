import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { issuedCertificateSchema } from '@countersign/protocol';
import type { AuthorityConfig } from '../config/config.ts';
import { BackOff } from '../primary/back-off.ts';
import { AuthorityClient, AuthorityError } from './authority-client.ts';
import { requestCertificate } from './certificate-request.ts';
import { enroll } from './enrollment.ts';
import { type Pair, PairFiles, readOptional, replaceFile } from './pair-files.ts';

export interface IdentityOptions {
  readonly config: AuthorityConfig;
  /** An enrollment token that came over IPC; else the configuration's file is read. */
  readonly token: string | undefined;
  readonly random: () => number;
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
}

/** The gateway's own certificate, and how it calls the authority with it. */
export interface GatewayIdentity {
  readonly files: PairFiles;
  readonly pair: Pair;
  /** PEM: the authority's roots. */
  readonly ca: string;
}

/**
 * The identity in the configured folder (identity.crt, identity.key, ca.crt), or a new one by enrollment. While the authority
 * cannot be reached, it is tried again, for ever; a token that is refused is an error.
 *
 * @throws AuthorityError
 */
export async function obtainIdentity(options: IdentityOptions): Promise<GatewayIdentity> {
  const { identityDir, url } = options.config;
  const files = new PairFiles(identityDir, 'identity');
  const caFile = join(identityDir, 'ca.crt');
  const [known, ca] = [await files.read(), await readOptional(caFile)];
  if (known !== undefined && ca !== undefined) return { files, pair: known, ca };
  const token = await readToken(options);
  const enrolled = await retry(options, () => enroll(url, token));
  await replaceFile(caFile, enrolled.ca, 0o644);
  await files.write(enrolled);
  return { files, pair: enrolled, ca: enrolled.ca };
}

/** Renews the identity over mutual TLS, with a new key, and stores it. */
export async function renewIdentity(client: AuthorityClient, files: PairFiles, name: string): Promise<Pair> {
  const { key, csr } = await requestCertificate(name);
  const answer = issuedCertificateSchema.parse(await client.post('/v1/renew', { csr }));
  const pair = { cert: answer.certificate, key };
  await files.write(pair);
  return pair;
}

/** Tries until it works or the authority says no. */
export async function retry<T>(
  options: Pick<IdentityOptions, 'random' | 'warn' | 'signal'>,
  attempt: () => Promise<T>,
): Promise<T> {
  const backOff = new BackOff({ firstMs: 200, mostMs: 10_000, random: options.random });
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const transient = error instanceof AuthorityError && (error.code === 'unreachable' || error.status >= 500);
      if (!transient || options.signal.aborted) throw error;
      const waitMs = backOff.next();
      options.warn(`${error.message}; trying again in ${waitMs} ms`);
      await sleep(waitMs, undefined, { signal: options.signal });
    }
  }
}

async function readToken({ token, config }: IdentityOptions): Promise<string> {
  if (token !== undefined) return token.trim();
  if (config.tokenFile === undefined) {
    throw new AuthorityError(
      'no_identity',
      0,
      `${config.identityDir} holds no identity, and there is no token to get one with`,
    );
  }
  try {
    return (await readFile(config.tokenFile, 'utf8')).trim();
  } catch (error) {
    throw new AuthorityError('token_unreadable', 0, `the token file cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
