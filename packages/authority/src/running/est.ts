import { pemEncode } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import { sanTypes } from '@countersign/protocol';
import type { ProfileName } from '@countersign/protocol';
import { CrlSet, followCrlFile, loadBundle, nodeCrypto, TrustError, TrustState } from '@countersign/trust';
import type { Bundle, Following, RevocationSource } from '@countersign/trust';
import { issuersOf, keyHashOf } from '../domain/ca.ts';
import type { CaSet } from '../domain/ca.ts';
import { parseTemplate } from '../domain/est/factory.ts';
import type { FactoryRule, NameTemplate } from '../domain/est/factory.ts';
import type { Clock } from '../domain/ports.ts';
import { AuthorityError } from '../errors.ts';
import type { Factory } from '../http/est/factory-callers.ts';
import type { Logger } from 'pino';

/** How EST is offered. */
export interface EstOptions {
  /** Default true. */
  readonly enabled?: boolean | undefined;
  /** CAs of others whose devices may enroll with the certificates they were made with, by name. */
  readonly factories?: Readonly<Record<string, FactoryOptions>> | undefined;
  /** The profiles for whose certificates keys are made here (serverkeygen), by name. Default: none. */
  readonly serverKeygen?: Readonly<Record<string, KeygenOptions>> | undefined;
}

/** How the keys of a profile are made. */
export interface KeygenOptions {
  /** Kind of the keys. `p256` unless said otherwise. */
  readonly key?: string | undefined;
}

/** A factory, and which names its devices' certificates prove. */
export interface FactoryOptions {
  /** PEM or DER files: self-signed certificates are anchors, others intermediates. */
  readonly ca?: readonly string[] | undefined;
  /** CRL files, followed; where there are any the whole path has to be covered. */
  readonly crl?: readonly string[] | undefined;
  /** `device` unless said otherwise; `client`, `peer` or `server`. */
  readonly profile?: string | undefined;
  /** The name of a certificate, with one placeholder: `sensor-{serialNumber}`. */
  readonly name?: string | undefined;
  /** Its subjectAltNames: `dns:{serialNumber}.sensors.example`. */
  readonly sans?: readonly string[] | undefined;
}

const offered: readonly ProfileName[] = ['device', 'client', 'peer', 'server'];

/** The factories that are known, and an end to following their CRLs. */
export interface Factories {
  readonly list: readonly Factory[];
  /** PEM of their CAs: a device that looks is told that its certificate is welcome. */
  readonly pem: string;
  close(): void;
}

/** Reads the factories. Throws AuthorityError `invalid_option`; no CA of ours can be one of theirs. */
export async function openFactories(
  { factories = {} }: EstOptions,
  cas: CaSet,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): Promise<Factories> {
  const own = new Set([cas.root, ...issuersOf(cas)].map(({ keyHash }) => keyHash));
  const following: Following[] = [];
  const bundles: Bundle[] = [];
  const list: Factory[] = [];
  for (const [name, options] of Object.entries(factories)) {
    const rule = { factory: name, ...readRule(name, options) };
    const bundle = await bundleOf(name, options.ca ?? []);
    if (certificatesOf(bundle).some(({ spki }) => own.has(keyHashOf(spki.der))))
      throw invalid(name, 'ca: one of them is of this authority itself');
    bundles.push(bundle);
    const trust = new TrustState({ crypto: nodeCrypto });
    trust.setBundle(bundle, crlsOf(bundle, options.crl ?? [], following, log, clock));
    list.push({ rule, trust });
  }
  await Promise.all(following.map(({ started }) => started));
  return {
    list,
    pem: bundles
      .flatMap(certificatesOf)
      .map(({ der }) => pemEncode('CERTIFICATE', der))
      .join(''),
    close: () => following.forEach((one) => one.stop()),
  };
}

function invalid(factory: string, why: string): AuthorityError {
  return new AuthorityError('invalid_option', `est.factories.${factory}: ${why}`);
}

function certificatesOf({ anchors, intermediates }: Bundle): Certificate[] {
  return [...anchors.flatMap(({ certificate }) => certificate ?? []), ...intermediates];
}

async function bundleOf(name: string, files: readonly string[]): Promise<Bundle> {
  if (files.length === 0) throw invalid(name, 'ca: a factory has files with its CA certificates');
  try {
    return await loadBundle({ name, files });
  } catch (error) {
    if (error instanceof TrustError) throw invalid(name, `ca: ${error.source ?? ''} ${error.message}`);
    throw error;
  }
}

function readRule(factory: string, options: FactoryOptions): Omit<FactoryRule, 'factory'> {
  const { name, sans = [], profile: wanted = 'device' } = options;
  const profile = offered.find((one) => one === wanted);
  if (profile === undefined)
    throw invalid(factory, `profile: ${JSON.stringify(wanted)} is none of ${offered.join(', ')}`);
  if (name === undefined)
    throw invalid(factory, 'name: a rule says how devices are called, e.g. sensor-{serialNumber}');
  return {
    profile,
    name: template(factory, 'name', name),
    sans: sans.map((san) => {
      const type = sanTypes.find((one) => san.startsWith(`${one}:`));
      if (type === undefined)
        throw invalid(factory, `sans: ${JSON.stringify(san)} begins with none of ${sanTypes.join(', ')}`);
      return { type, value: template(factory, 'sans', san.slice(type.length + 1)) };
    }),
  };
}

function template(factory: string, setting: string, text: string): NameTemplate {
  const parsed = parseTemplate(text);
  if ('malformed' in parsed) throw invalid(factory, `${setting}: ${JSON.stringify(text)}: ${parsed.malformed}`);
  return parsed;
}

/** Where CRLs are configured, nobody comes in whose path they do not cover; a broken one leaves the last good one in use. */
function crlsOf(
  bundle: Bundle,
  files: readonly string[],
  following: Following[],
  log: Logger,
  clock: Clock,
): RevocationSource | undefined {
  if (files.length === 0) return undefined;
  const crls = new CrlSet({ name: bundle.name, crypto: nodeCrypto, expected: files });
  crls.setIssuers(bundle);
  for (const file of files) {
    const follower = {
      onCrl: (bytes: Uint8Array, source: string): undefined => void crls.offer(bytes, source, clock()),
      onProblem: (error: unknown) =>
        log.error({ err: error, factory: bundle.name, file }, "a factory's CRL cannot be used"),
    };
    following.push(followCrlFile(file, follower));
  }
  return crls;
}
