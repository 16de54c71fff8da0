// Renewal of an identity in its files, once or for ever, and the command that is run after each.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { keepRenewed, loadIdentity, type Material, renewFiles, type Waiting, writeMaterial } from '@countersign/sdk';
import { CliFailure } from '../failure.ts';
import { explain } from '../explain.ts';
import type { IdentityFiles } from './files.ts';
import { filesOfFormats, type FormatWish } from './format-wish.ts';
import { writeFormats } from './formats.ts';

/** Forms other than PEM, and where they are. */
export interface FormsBeside {
  readonly files: IdentityFiles;
  readonly formats: FormatWish;
}

/** What to renew, and where. Paths are absolute. */
export interface RenewalPlan {
  readonly files: { readonly cert: string; readonly key: string; readonly ca: string };
  /** The other forms in which the identity is kept beside these files. */
  readonly beside: FormsBeside;
  readonly url: string;
  /** Passphrase of an encrypted key. */
  readonly passphrase: string | undefined;
  /** Run by the shell after each renewal, with COUNTERSIGN_CERT, COUNTERSIGN_KEY and COUNTERSIGN_CA in its environment. */
  readonly exec: string | undefined;
  readonly now: () => number;
  /** Told where an administrator has to approve the renewal first. */
  readonly onWaiting: (waiting: Waiting) => void;
  /** What an administrator has denied is not asked for again and again. */
  readonly staysDenied?: boolean;
}

/**
 * Renews once, in place.
 *
 * @throws SdkError when the authority refuses or can't be reached; CliFailure `exec_failed` when the command fails (the
 * renewal stands).
 */
export async function renewOnce(plan: RenewalPlan, signal?: AbortSignal): Promise<Material> {
  const { files, url, passphrase, now, onWaiting, staysDenied } = plan;
  const options = { url, now, signal, onWaiting, staysDenied, ...(passphrase === undefined ? {} : { passphrase }) };
  const renewed = await renewFiles(files, options);
  await writeBeside(plan.beside, renewed);
  if (plan.exec !== undefined) await runHook(plan.exec, files);
  return renewed;
}

/** What `writeBeside` writes. */
export function filesBeside({ files, formats }: FormsBeside): readonly string[] {
  return filesOfFormats(files, others(formats), true);
}

async function writeBeside({ files, formats }: FormsBeside, material: Material): Promise<void> {
  const wish = others(formats);
  if (wish.formats.length > 0) await writeFormats(files, await writeMaterial(material), wish, 'always');
}

/** PEM is renewed in place, its key under a passphrase where it has one. */
function others(wish: FormatWish): FormatWish {
  return { ...wish, formats: wish.formats.filter((format) => format !== 'pem') };
}

/** What happens while a daemon renews. */
export interface RenewalEvents {
  /** It runs; the first renewal is due at `nextAt`, milliseconds since the epoch. */
  onStarted(material: Material, nextAt: number): void;
  onRenewed(material: Material): void;
  /** A renewal, or the command after one, has failed; renewals are tried again. */
  onFailed(failure: CliFailure): void;
}

/** Renews at two thirds of the lifetime, again and again, until `ended` resolves. */
export async function renewForEver(plan: RenewalPlan, ended: Promise<unknown>, events: RenewalEvents): Promise<void> {
  const { files, passphrase } = plan;
  let current = await loadIdentity(files, passphrase === undefined ? {} : { passphrase });
  const kept = keepRenewed({
    validity: () => current.leaf,
    renew: async (signal) => {
      // The certificate is renewed whatever becomes of the command: trying again would only renew it once more.
      current = await renewOnce({ ...plan, exec: undefined, staysDenied: true }, signal);
      events.onRenewed(current);
      if (plan.exec === undefined) return;
      await runHook(plan.exec, files).catch((error: unknown) => events.onFailed(explain(error)));
    },
    onFailed: (error) => events.onFailed(explain(error)),
    now: plan.now,
  });
  events.onStarted(current, kept.nextAt);
  // The renewal's own timers keep no process alive.
  const alive = setInterval(() => undefined, 60_000);
  try {
    await ended;
  } finally {
    clearInterval(alive);
    kept.stop();
  }
}

async function runHook(command: string, { cert, key, ca }: RenewalPlan['files']): Promise<void> {
  const env = { ...process.env, COUNTERSIGN_CERT: cert, COUNTERSIGN_KEY: key, COUNTERSIGN_CA: ca };
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 2, 2], env });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (code === 0) return;
  throw new CliFailure({
    code: 'exec_failed',
    message: `the certificate is renewed, but the command of --exec ended with ${signal ?? code}`,
  });
}
