// Throw-away CAs: real keys, real signatures, and any oddity that a test wants to see refused.
import { generateKeyPair as generateCallback, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import {
  assembleSigned,
  authorityKeyId,
  basicConstraints,
  buildCrl,
  buildName,
  buildTbs,
  crlDistributionPoints,
  crlNumber,
  extendedKeyUsage,
  keyUsage,
  nameConstraints,
  OID,
  parseCertificate,
  pemEncode,
  profileName,
  subjectAltName,
  subjectKeyId,
} from '@countersign/pki';
import type {
  Certificate,
  CertificateTemplate,
  CrlEntryTemplate,
  Extension,
  GeneralName,
  KeyUsageName,
  Name,
  Signer,
} from '@countersign/pki';
import { generateKeyPair, nodeCrypto, nodeSigner, spkiOf } from '@countersign/trust';
import type { KeyKind, NodeKeyPair } from '@countersign/trust';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export interface CertificateOptions {
  /** A kind of key to make, or a key that is there. `rsa1024` is for being refused. */
  readonly key?: KeyKind | 'rsa1024' | NodeKeyPair;
  /** Milliseconds since the epoch; a day before the CA's clock by default. */
  readonly notBefore?: number;
  /** Milliseconds since the epoch; 30 days (10 years for a CA) after the CA's clock by default. */
  readonly notAfter?: number;
  readonly serial?: string;
  readonly subject?: Name;
  readonly sans?: readonly GeneralName[];
  /** Extended key usages (dotted); `null`: no such extension. clientAuth by default, none in a CA. */
  readonly usages?: readonly string[] | null;
  readonly keyUsage?: readonly KeyUsageName[] | null;
  readonly profile?: string;
  readonly crlUris?: readonly string[];
  /** Of a CA: how many CAs may follow below it. */
  readonly pathLen?: number;
  readonly permitted?: readonly GeneralName[];
  readonly excluded?: readonly GeneralName[];
  /** Extensions besides, or instead of those of the same identifier. */
  readonly extensions?: readonly Extension[];
  /** Leaves out basicConstraints, key identifiers and everything else that was not asked for. */
  readonly bare?: boolean;
  /** Signs with this key instead of the CA's: the signature will not verify. */
  readonly forgedBy?: KeyObject;
  /** Signs with SHA-1, which is to be refused. */
  readonly sha1?: boolean;
}

export interface CrlOptions {
  readonly revoked?: readonly TestCertificate[];
  readonly reason?: CrlEntryTemplate['reason'];
  /** Entries besides `revoked`. */
  readonly entries?: readonly CrlEntryTemplate[];
  /** `null`: none. 1 by default. */
  readonly number?: number | null;
  /** Milliseconds since the epoch; an hour before the CA's clock by default. */
  readonly thisUpdate?: number;
  /** Milliseconds since the epoch; a day after the CA's clock by default. */
  readonly nextUpdate?: number;
  readonly extensions?: readonly Extension[];
  /** Signs with this key instead of the CA's. */
  readonly forgedBy?: KeyObject;
}

/** A certificate with its key. */
export class TestCertificate {
  readonly der: Uint8Array;
  readonly certificate: Certificate;
  readonly key: NodeKeyPair;
  /** The CA that issued it; undefined for a root. */
  readonly issuer: TestCa | undefined;

  constructor(der: Uint8Array, key: NodeKeyPair, issuer: TestCa | undefined) {
    this.der = der;
    this.certificate = parseCertificate(der);
    this.key = key;
    this.issuer = issuer;
  }

  get pem(): string {
    return pemEncode('CERTIFICATE', this.der);
  }

  /** The private key as PKCS#8 PEM, not encrypted. */
  get keyPem(): string {
    return this.key.privateKey.export({ type: 'pkcs8', format: 'pem' });
  }

  /** What a well-behaved peer sends: this certificate and the intermediates, DER, without the root. */
  get chain(): Uint8Array[] {
    const chain = [this.der];
    for (let ca = this.issuer; ca?.issuer !== undefined; ca = ca.issuer) chain.push(ca.der);
    return chain;
  }

  get chainPem(): string {
    return this.chain.map((der) => pemEncode('CERTIFICATE', der)).join('');
  }

  /**
   * Writes `NAME.crt` (with the intermediates unless `leafOnly`) and `NAME.key` into a folder, and gives their paths.
   */
  write(folder: string, name: string, { leafOnly = false } = {}): { cert: string; key: string } {
    mkdirSync(folder, { recursive: true });
    const paths = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
    writeFileSync(paths.cert, leafOnly ? this.pem : this.chainPem);
    writeFileSync(paths.key, this.keyPem, { mode: 0o600 });
    return paths;
  }
}

/** A CA that issues whatever it is asked for. */
export class TestCa extends TestCertificate {
  /** The CA's idea of the present: validities are counted from here. */
  readonly now: number;

  constructor(der: Uint8Array, key: NodeKeyPair, issuer: TestCa | undefined, now: number) {
    super(der, key, issuer);
    this.now = now;
  }

  get signer(): Signer {
    return nodeSigner(this.key.privateKey);
  }

  /** Issues a leaf; by default a client of this name that is valid for 30 days. */
  async issue(name: string, options: CertificateOptions = {}): Promise<TestCertificate> {
    const key = await keyOf(options.key ?? 'p256');
    const der = await this.#build(name, key, options, { days: 30, extensions: leafExtensions(options) });
    return new TestCertificate(der, key, this);
  }

  /** Issues a server certificate for these DNS names and for 127.0.0.1. */
  issueServer(...names: readonly [string, ...string[]]): Promise<TestCertificate> {
    const sans: GeneralName[] = names.map((value) => ({ type: 'dns', value }));
    const loopback: GeneralName = { type: 'ip', value: Uint8Array.of(127, 0, 0, 1) };
    return this.issue(names[0], { usages: [OID.serverAuth], sans: [...sans, loopback] });
  }

  /** Issues a CA below this one; `key` may be one that another CA has already: a cross-certificate. */
  async issueCa(name: string, options: CertificateOptions = {}): Promise<TestCa> {
    const key = await keyOf(options.key ?? 'p256');
    const der = await this.#build(name, key, options, { days: 3650, extensions: caExtensions(options) });
    return new TestCa(der, key, this, this.now);
  }

  /** Signs a CRL, DER. */
  crl(options: CrlOptions = {}): Promise<Uint8Array> {
    const { revoked = [], reason, number = 1, thisUpdate = this.now - HOUR, nextUpdate = this.now + DAY } = options;
    const entries = [
      ...revoked.map(({ certificate }) => ({
        serialNumber: certificate.serialHex,
        revocationDate: thisUpdate,
        reason,
      })),
      ...(options.entries ?? []),
    ];
    const extensions = [
      authorityKeyId(keyIdOf(this.key.spki)),
      ...(number === null ? [] : [crlNumber(number)]),
      ...(options.extensions ?? []),
    ];
    const { subject: issuer } = this.certificate;
    const signer = nodeSigner(options.forgedBy ?? this.key.privateKey);
    return buildCrl({ issuer, thisUpdate, nextUpdate, entries, extensions }, signer);
  }

  #build(
    name: string,
    key: NodeKeyPair,
    options: CertificateOptions,
    defaults: { readonly days: number; readonly extensions: readonly Extension[] },
  ): Promise<Uint8Array> {
    const extensions = [...identifiers(key.spki, this.key.spki), ...defaults.extensions];
    return build(
      {
        subject: options.subject ?? buildName([{ type: 'CN', value: name }]),
        issuer: this.certificate.subject,
        spki: key.spki,
        notBefore: options.notBefore ?? this.now - DAY,
        notAfter: options.notAfter ?? this.now + defaults.days * DAY,
        extensions: options.bare === true ? [] : extensions,
      },
      this.key.privateKey,
      options,
    );
  }
}

/**
 * Makes a self-signed root.
 *
 * @param now where its validities are counted from: milliseconds since the epoch; the present by default.
 * @example
 * const root = await createRoot('Example Root');
 * const issuing = await root.issueCa('Example Issuing');
 * const demo = await issuing.issue('demo', { profile: 'client' });
 */
export async function createRoot(
  name = 'Test Root',
  { now = Date.now(), ...options }: CertificateOptions & { readonly now?: number } = {},
): Promise<TestCa> {
  const key = await keyOf(options.key ?? 'p256');
  const subject = options.subject ?? buildName([{ type: 'CN', value: name }]);
  const der = await build(
    {
      subject,
      issuer: subject,
      spki: key.spki,
      notBefore: options.notBefore ?? now - DAY,
      notAfter: options.notAfter ?? now + 7300 * DAY,
      extensions: options.bare === true ? [] : [...identifiers(key.spki, key.spki), ...caExtensions(options)],
    },
    key.privateKey,
    options,
  );
  return new TestCa(der, key, undefined, now);
}

function leafExtensions(options: CertificateOptions): Extension[] {
  return [
    basicConstraints({ ca: false }),
    ...(options.keyUsage === null ? [] : [keyUsage(options.keyUsage ?? ['digitalSignature'])]),
    ...(options.usages === null ? [] : [extendedKeyUsage(options.usages ?? [OID.clientAuth])]),
  ];
}

function caExtensions(options: CertificateOptions): Extension[] {
  const { pathLen, permitted, excluded, usages } = options;
  const extensions = [
    basicConstraints(pathLen === undefined ? { ca: true } : { ca: true, pathLen }),
    ...(options.keyUsage === null ? [] : [keyUsage(options.keyUsage ?? ['keyCertSign', 'cRLSign'])]),
  ];
  if (permitted !== undefined || excluded !== undefined) {
    extensions.push(nameConstraints({ permitted: permitted ?? [], excluded: excluded ?? [] }));
  }
  if (usages !== undefined && usages !== null) extensions.push(extendedKeyUsage(usages));
  return extensions;
}

function identifiers(spki: Uint8Array, issuerSpki: Uint8Array): Extension[] {
  return [subjectKeyId(keyIdOf(spki)), authorityKeyId(keyIdOf(issuerSpki))];
}

/** Any octets that are the same for the same key will do (RFC 5280 section 4.2.1.2). */
function keyIdOf(spki: Uint8Array): Uint8Array {
  return nodeCrypto.digest('sha256', spki).subarray(0, 20);
}

type Plan = Omit<CertificateTemplate, 'serialNumber'>;

async function build(plan: Plan, issuerKey: KeyObject, options: CertificateOptions): Promise<Uint8Array> {
  const all = [...plan.extensions];
  if (options.sans !== undefined) all.push(subjectAltName(options.sans));
  if (options.crlUris !== undefined) all.push(crlDistributionPoints(options.crlUris));
  if (options.profile !== undefined) all.push(profileName(options.profile));
  const own = options.extensions ?? [];
  const kept = all.filter((extension) => !own.some((other) => other.oid === extension.oid));
  const serialNumber = options.serial ?? `40${randomBytes(15).toString('hex')}`;
  const key = options.forgedBy ?? issuerKey;
  const signer = options.sha1 === true ? sha1Signer(key) : nodeSigner(key);
  const tbs = buildTbs({ ...plan, serialNumber, extensions: [...kept, ...own] }, signer.scheme);
  return assembleSigned(tbs, signer.scheme, await signer.sign(tbs));
}

function sha1Signer(key: KeyObject): Signer {
  const scheme = key.asymmetricKeyType === 'rsa' ? 'rsa-pkcs1-sha1' : 'ecdsa-sha1';
  return { spki: spkiOf(key), scheme, sign: (data) => sign('sha1', data, key) };
}

async function keyOf(key: NonNullable<CertificateOptions['key']>): Promise<NodeKeyPair> {
  if (typeof key !== 'string') return key;
  if (key !== 'rsa1024') return generateKeyPair(key);
  const pair = await promisify(generateCallback)('rsa', { modulusLength: 1024 });
  return { ...pair, spki: spkiOf(pair.publicKey) };
}
