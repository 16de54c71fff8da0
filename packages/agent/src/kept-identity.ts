// One identity of the machine: enrolled when it is not there, renewed for as long as the agent lives.
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import {
  enroll,
  type EnrollOptions,
  type IdentityFiles,
  keepRenewed,
  type KeptRenewed,
  loadIdentity,
  type Material,
  renewFiles,
  readToken,
  retryPause,
  SdkError,
  type Waiting,
} from '@countersign/sdk';
import type { IdentityConfig } from './config.ts';
import { AgentError } from './errors.ts';
import { runHook } from './hook.ts';

/** What happens to an identity. */
export interface IdentityEvents {
  onEnrolled(material: Material): void;
  onRenewed(material: Material): void;
  /** An administrator has to approve it first; it is asked for until that is decided. */
  onWaiting(waiting: Waiting): void;
  /** It is tried again at `nextAt`, milliseconds since the epoch, where that is known. */
  onFailed(error: unknown, nextAt: number | undefined): void;
}

/** The world around an identity. */
export interface Surroundings {
  /** Where relative paths of the configuration start. */
  readonly baseDir: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** An identity that is looked after. */
export interface KeptIdentity {
  readonly name: string;
  readonly files: IdentityFiles;
  /** Resolves when there is a certificate, at once when there is one already. */
  readonly ready: Promise<void>;
  /** Of the certificate in the files; undefined before there is one. */
  readonly notAfter: number | undefined;
  /** When it is renewed next, milliseconds since the epoch. */
  readonly nextAt: number | undefined;
  stop(): void;
}

/** Where the files of an identity are. */
export function filesOf(name: string, config: IdentityConfig, baseDir: string): IdentityFiles {
  const from = (path: string): string => (isAbsolute(path) ? path : resolve(baseDir, path));
  if (config.files !== undefined) {
    return { cert: from(config.files.cert), key: from(config.files.key), ca: from(config.files.ca) };
  }
  const folder = from(config.folder ?? '.');
  return { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`), ca: join(folder, 'ca.crt') };
}

/** Looks after an identity from now on, until it is stopped. Failures are told and tried again, never thrown. */
export function keepIdentity(
  name: string,
  config: IdentityConfig,
  around: Surroundings,
  events: IdentityEvents,
): KeptIdentity {
  const { baseDir, now, random } = around;
  const files = filesOf(name, config, baseDir);
  const abort = new AbortController();
  const { promise: ready, resolve: markReady } = Promise.withResolvers<void>();
  let current: Material | undefined;
  let kept: KeptRenewed | undefined;

  const tell = async (): Promise<void> => {
    if (config.onRenewed === undefined) return;
    // The certificate is renewed whatever becomes of the command: trying again would only renew it once more.
    await runHook(config.onRenewed, name, files, abort.signal).catch((error: unknown) =>
      events.onFailed(error, undefined),
    );
  };

  const onWaiting = (waiting: Waiting): void => events.onWaiting(waiting);

  /**
   * Renews, what has expired too (a machine slept): the authority knows how long that is allowed. Where it is not any more another token
   * helps, if there is one.
   */
  const renewed = async (material: Material, signal: AbortSignal): Promise<Material> => {
    try {
      const url = await authorityUrl(config, files);
      return await renewFiles(files, { url, keyKind: config.key, now, signal, onWaiting, staysDenied: true });
    } catch (error) {
      if (material.leaf.notAfter > now() || !isRefusal(error)) throw error;
      if (!(await mayEnroll(config, around))) throw renewalOver(name, material, error);
      return await enrollNow(name, config, files, around, { signal, onWaiting }).catch((why: unknown) => {
        throw isRefusal(why) ? renewalOver(name, material, why) : why;
      });
    }
  };

  const keep = (material: Material): void => {
    current = material;
    const present = { validity: material.leaf };
    kept = keepRenewed({
      validity: () => present.validity,
      renew: async (signal) => {
        const next = await renewed(current ?? material, signal);
        current = next;
        present.validity = next.leaf;
        events.onRenewed(next);
        await tell();
      },
      onFailed: (error) => events.onFailed(error, kept?.nextAt),
      now,
      random,
    });
    markReady();
  };

  const begin = async (failures: number): Promise<void> => {
    if (abort.signal.aborted) return;
    try {
      const there = await present(files);
      if (there !== undefined && there.leaf.notAfter > now()) {
        keep(there);
        return;
      }
      if (there !== undefined) {
        const next = await renewed(there, abort.signal);
        events.onRenewed(next);
        keep(next);
        await tell();
        return;
      }
      const enrolled = await enrollNow(name, config, files, around, { signal: abort.signal, onWaiting });
      events.onEnrolled(enrolled);
      keep(enrolled);
      await tell();
    } catch (error) {
      if (abort.signal.aborted) return;
      const pause = retryPause(failures + 1, Number.POSITIVE_INFINITY, random());
      events.onFailed(error, now() + pause);
      const timer = setTimeout(() => void begin(failures + 1), pause);
      abort.signal.addEventListener('abort', () => clearTimeout(timer));
    }
  };

  void begin(0);
  return {
    name,
    files,
    ready,
    get notAfter() {
      return current?.leaf.notAfter;
    },
    get nextAt() {
      return kept?.nextAt;
    },
    stop: () => {
      abort.abort();
      kept?.stop();
    },
  };
}

async function present(files: IdentityFiles): Promise<Material | undefined> {
  try {
    return await loadIdentity(files);
  } catch (error) {
    if (error instanceof SdkError && error.code === 'identity_missing') return undefined;
    throw error;
  }
}

async function enrollNow(
  name: string,
  config: IdentityConfig,
  files: IdentityFiles,
  { baseDir, now }: Surroundings,
  waits: Pick<EnrollOptions, 'signal' | 'onWaiting'>,
): Promise<Material> {
  if (config.tokenFile === undefined) throw new AgentError('not_enrolled', `${name}: name a tokenFile`);
  const tokenFile = isAbsolute(config.tokenFile) ? config.tokenFile : resolve(baseDir, config.tokenFile);
  const token = await readFile(tokenFile, 'utf8').catch((error: unknown) => {
    throw new AgentError('not_enrolled', `${name}: ${tokenFile} cannot be read`, { cause: error });
  });
  for (const file of [files.cert, files.key, files.ca]) await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const material = await enroll({
    token,
    url: config.url,
    files,
    keyKind: config.key,
    now,
    ...waits,
    pendingKeyFile: `${files.key}.pending`,
  });
  if (config.url === undefined) await writeFile(urlFile(files), `${readToken(token).url}\n`, { mode: 0o644 });
  return material;
}

async function mayEnroll({ tokenFile }: IdentityConfig, { baseDir }: Surroundings): Promise<boolean> {
  if (tokenFile === undefined) return false;
  const path = isAbsolute(tokenFile) ? tokenFile : resolve(baseDir, tokenFile);
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Whether trying again is of no use until somebody has done something. */
function isRefusal(error: unknown): error is Error {
  if (error instanceof AgentError) return error.code === 'url_missing';
  if (!(error instanceof SdkError)) return false;
  return error.code === 'token_expired' || (error.problem?.status ?? 500) < 500;
}

/** What to do about a certificate that is renewed no more. */
function renewalOver(name: string, { leaf }: Material, cause: Error): AgentError {
  const ended = new Date(leaf.notAfter).toISOString();
  const mend = `put what an administrator gets from \`countersign token ${name}\` into its tokenFile`;
  return new AgentError('renewal_over', `${name} ended at ${ended} (${cause.message}); ${mend}`, { cause });
}

async function authorityUrl(config: IdentityConfig, files: IdentityFiles): Promise<string> {
  if (config.url !== undefined) return config.url;
  const remembered = await readFile(urlFile(files), 'utf8').catch(() => undefined);
  if (remembered !== undefined) return remembered.trim();
  throw new AgentError('url_missing', `name it as url, or keep ${urlFile(files)}`);
}

/** Beside the certificate: `countersign enroll` and `renew` know it too. */
function urlFile({ cert }: IdentityFiles): string {
  return `${cert.replace(/\.(?:crt|pem|cer)$/u, '')}.url`;
}
