import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  enroll,
  Identity,
  type IdentityFiles,
  loadIdentity,
  type Material,
  renewFiles,
  SdkError,
} from '@countersign/sdk';
import { makeFolder } from '@countersign/trust/make-folder';
import type { AuthorityConfig } from '../config/config.ts';
import { GatewayStartError } from '../primary/start-error.ts';
import { words } from '@countersign/trust';
import { retry, type RetryOptions } from './retry.ts';

export interface IdentityOptions extends RetryOptions {
  readonly config: AuthorityConfig;
  /** An enrollment token that came over IPC; else the configuration's file is read. */
  readonly token: string | undefined;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
}

/** The gateway's own certificate, and where it is kept. */
export interface OwnIdentity {
  readonly identity: Identity;
  readonly files: IdentityFiles;
}

/**
 * The identity in the configured folder (identity.crt, identity.key, ca.crt). One that has expired is renewed where the authority allows
 * that; where it does not, or there is none, a token gets a new one. While the authority cannot be reached, it is tried again.
 *
 * @throws SdkError, GatewayStartError
 */
export async function obtainIdentity(options: IdentityOptions): Promise<OwnIdentity> {
  const folder = options.config.identityDir;
  const files = { cert: join(folder, 'identity.crt'), key: join(folder, 'identity.key'), ca: join(folder, 'ca.crt') };
  const known = await load(files);
  if (known !== undefined && known.leaf.notAfter > options.now()) return { identity: new Identity(known), files };
  const late = known && (await renewLate(options, files));
  if (late !== undefined) return { identity: new Identity(late), files };
  const token = await readToken(options);
  if (token === undefined) {
    const why = known === undefined ? 'holds no identity' : 'holds an identity that has expired and is renewed no more';
    throw new GatewayStartError('no_identity', `${folder} ${why}, and there is no enrollment token to get one with`);
  }
  makeFolder(folder);
  const { now, signal, config } = options;
  const enrollment = {
    token,
    url: config.url.href,
    files,
    now,
    signal,
    pendingKeyFile: `${files.key}.pending`,
    onWaiting: ({ request }: { readonly request: string }) =>
      options.warn(`the gateway's own certificate waits for the approval of an administrator: request ${request}`),
  };
  const material = await retry(options, () => enroll(enrollment));
  return { identity: new Identity(material), files };
}

async function load(files: IdentityFiles): Promise<Material | undefined> {
  try {
    return await loadIdentity(files);
  } catch (error) {
    if (error instanceof SdkError && error.code === 'identity_missing') return undefined;
    throw error;
  }
}

/** An identity that has expired, renewed; undefined where the authority says no. */
async function renewLate(options: IdentityOptions, files: IdentityFiles): Promise<Material | undefined> {
  const { now, signal, config } = options;
  const onWaiting = ({ request }: { readonly request: string }): void =>
    options.warn(`the renewal of the gateway's own certificate waits for an administrator: request ${request}`);
  try {
    return await retry(options, () =>
      renewFiles(files, { url: config.url.href, now, signal, onWaiting, staysDenied: true }),
    );
  } catch (error) {
    if (error instanceof SdkError && error.problem !== undefined) {
      options.warn(`the gateway's own certificate has expired and is not renewed: ${words(error)}`);
      return undefined;
    }
    throw error;
  }
}

async function readToken({ token, config }: IdentityOptions): Promise<string | undefined> {
  if (token !== undefined || config.tokenFile === undefined) return token?.trim();
  try {
    return (await readFile(config.tokenFile, 'utf8')).trim();
  } catch (error) {
    throw new GatewayStartError('token_unreadable', `the token file cannot be read: ${words(error)}`, { cause: error });
  }
}
