import { PkiError } from '../errors.ts';
import { toHex } from '../der/octets.ts';
import { DerReader } from '../der/reader.ts';
import type { DerLimits } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { algorithmEquals, readAlgorithm } from './algorithm.ts';
import type { AlgorithmIdentifier } from './algorithm.ts';
import type { Certificate } from './certificate.ts';
import { DecodedExtensions } from './extensions/decoded.ts';
import type { NameConstraints } from './extensions/constraints.ts';
import type { DistributionPoint } from './extensions/distribution-points.ts';
import type { Extension } from './extensions/extension.ts';
import type { AccessDescription, AuthorityKeyIdentifier, DirectoryAttribute } from './extensions/identifiers.ts';
import { EXT } from './extensions/known.ts';
import type { PolicyConstraints, PolicyInformation, PolicyMapping } from './extensions/policies.ts';
import { KeyUsage } from './extensions/usage.ts';
import type { BasicConstraints } from './extensions/usage.ts';
import type { GeneralName } from './general-name.ts';
import { checkName, checkedName } from './name.ts';
import type { Name } from './name.ts';
import { readPublicKeyInfo } from './public-key.ts';
import type { SubjectPublicKeyInfo } from './public-key.ts';

/** How a certificate is read. */
export interface CertificateParseOptions extends DerLimits {
  /** Keeps a certificate whose inner and outer algorithms differ: inspection of broken files only. */
  readonly allowAlgorithmMismatch?: boolean;
  /** Keeps a serial number with needless leading octets, which is not DER: old test data only. */
  readonly allowPaddedSerial?: boolean;
}

const MAX_CERTIFICATE_BYTES = 1 << 18;
const DEFAULTS: DerLimits = { maxBytes: MAX_CERTIFICATE_BYTES };
const TLS_STATUS_REQUEST = 5;

/**
 * Reads a DER-encoded certificate (RFC 5280 section 4.1), strictly: a malformed known extension, an extension twice,
 * octets behind the end are refused here. Judging what it says (dates, key strength, serial number) is not parsing.
 *
 * @param der the whole encoding, at most 256 KiB unless `options.maxBytes` says otherwise; copied
 * @throws PkiError
 * @example
 * const certificate = parseCertificate(der);
 * certificate.subjectAltName?.some((name) => name.type === 'dns' && name.value === 'example.com');
 */
export function parseCertificate(der: Uint8Array, options?: CertificateParseOptions): Certificate {
  const limits = options === undefined ? DEFAULTS : { ...DEFAULTS, ...options };
  if (der.length > (limits.maxBytes ?? MAX_CERTIFICATE_BYTES)) throw new PkiError('der_size', `${der.length} octets`);
  const reader = new DerReader(new Uint8Array(der), limits);
  const certificate = new DecodedCertificate(reader, options);
  reader.finish();
  return certificate;
}

class DecodedCertificate implements Certificate {
  readonly der: Uint8Array;
  readonly version: 1 | 2 | 3;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly tbsSignatureAlgorithm: AlgorithmIdentifier;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: SubjectPublicKeyInfo;
  private readonly tbsFrom: number;
  private readonly tbsTo: number;
  private readonly serialFrom: number;
  private readonly serialTo: number;
  private readonly issuerFrom: number;
  private readonly issuerTo: number;
  private readonly subjectFrom: number;
  private readonly subjectTo: number;
  private readonly signatureFrom: number;
  private readonly uniqueIds: readonly (Uint8Array | undefined)[] | undefined;
  private readonly exts: DecodedExtensions;
  private tbsView: Uint8Array | undefined;
  private issuerName: Name | undefined;
  private subjectName: Name | undefined;
  private serialText: string | undefined;

  constructor(reader: DerReader, options: CertificateParseOptions | undefined) {
    const bytes = reader.bytes;
    this.der = bytes;
    const outer = reader.enter(TAG.SEQUENCE);
    this.tbsFrom = reader.pos;
    const tbs = reader.enter(TAG.SEQUENCE);
    this.version = readVersion(reader);
    if (options?.allowPaddedSerial === true) reader.element(TAG.INTEGER);
    else reader.integer();
    this.serialFrom = reader.from;
    this.serialTo = reader.to;
    this.tbsSignatureAlgorithm = readAlgorithm(reader);
    this.issuerFrom = reader.pos;
    checkName(reader);
    this.issuerTo = reader.pos;
    const validity = reader.enter(TAG.SEQUENCE);
    this.notBefore = reader.time();
    this.notAfter = reader.time();
    reader.leave(validity);
    this.subjectFrom = reader.pos;
    checkName(reader);
    this.subjectTo = reader.pos;
    this.spki = readPublicKeyInfo(reader);
    let next = reader.peek();
    this.uniqueIds = next === 0x81 || next === 0x82 ? readUniqueIds(reader, this.version) : undefined;
    next = reader.peek();
    if (next === 0xa3) {
      if (this.version !== 3) throw new PkiError('cert_version', 'extensions need version 3', reader.pos);
      const wrapper = reader.enter(0xa3);
      this.exts = new DecodedExtensions(reader);
      reader.leave(wrapper);
    } else {
      this.exts = DecodedExtensions.none;
    }
    reader.leave(tbs);
    this.tbsTo = reader.pos;
    this.signatureAlgorithm = readAlgorithm(reader);
    const mismatch = !algorithmEquals(this.signatureAlgorithm, this.tbsSignatureAlgorithm);
    if (mismatch && options?.allowAlgorithmMismatch !== true) {
      throw new PkiError('algorithm_mismatch', undefined, this.tbsTo);
    }
    reader.bitOctets();
    this.signatureFrom = reader.from;
    reader.leave(outer);
  }

  get tbs(): Uint8Array {
    return (this.tbsView ??= this.der.subarray(this.tbsFrom, this.tbsTo));
  }
  get signature(): Uint8Array {
    return this.der.subarray(this.signatureFrom);
  }
  get serialNumber(): Uint8Array {
    return this.der.subarray(this.serialFrom, this.serialTo);
  }
  get serialHex(): string {
    return (this.serialText ??= serialHex(this.der, this.serialFrom, this.serialTo));
  }
  get issuer(): Name {
    return (this.issuerName ??= checkedName(this.der.subarray(this.issuerFrom, this.issuerTo)));
  }
  get subject(): Name {
    return (this.subjectName ??= checkedName(this.der.subarray(this.subjectFrom, this.subjectTo)));
  }
  get issuerUniqueId(): Uint8Array | undefined {
    return this.uniqueIds?.[0];
  }
  get subjectUniqueId(): Uint8Array | undefined {
    return this.uniqueIds?.[1];
  }

  get extensions(): readonly Extension[] {
    return this.exts.list;
  }
  get unknownCriticalExtensions(): readonly string[] {
    return this.exts.unknownCritical;
  }
  isCritical(oid: string): boolean {
    return this.exts.isCritical(oid);
  }

  get basicConstraints(): BasicConstraints | undefined {
    return this.exts.get(EXT.basicConstraints) as BasicConstraints | undefined;
  }
  get keyUsage(): KeyUsage | undefined {
    return this.exts.get(EXT.keyUsage) as KeyUsage | undefined;
  }
  get extendedKeyUsage(): readonly string[] | undefined {
    return this.exts.get(EXT.extendedKeyUsage) as readonly string[] | undefined;
  }
  get subjectAltName(): readonly GeneralName[] | undefined {
    return this.exts.get(EXT.subjectAltName) as readonly GeneralName[] | undefined;
  }
  get issuerAltName(): readonly GeneralName[] | undefined {
    return this.exts.get(EXT.issuerAltName) as readonly GeneralName[] | undefined;
  }
  get subjectKeyId(): Uint8Array | undefined {
    return this.exts.get(EXT.subjectKeyId) as Uint8Array | undefined;
  }
  get authorityKeyId(): AuthorityKeyIdentifier | undefined {
    return this.exts.get(EXT.authorityKeyId) as AuthorityKeyIdentifier | undefined;
  }
  get nameConstraints(): NameConstraints | undefined {
    return this.exts.get(EXT.nameConstraints) as NameConstraints | undefined;
  }
  get certificatePolicies(): readonly PolicyInformation[] | undefined {
    return this.exts.get(EXT.certificatePolicies) as readonly PolicyInformation[] | undefined;
  }
  get policyMappings(): readonly PolicyMapping[] | undefined {
    return this.exts.get(EXT.policyMappings) as readonly PolicyMapping[] | undefined;
  }
  get policyConstraints(): PolicyConstraints | undefined {
    return this.exts.get(EXT.policyConstraints) as PolicyConstraints | undefined;
  }
  get inhibitAnyPolicy(): number | undefined {
    return this.exts.get(EXT.inhibitAnyPolicy) as number | undefined;
  }
  get crlDistributionPoints(): readonly DistributionPoint[] | undefined {
    return this.exts.get(EXT.crlDistributionPoints) as readonly DistributionPoint[] | undefined;
  }
  get freshestCrl(): readonly DistributionPoint[] | undefined {
    return this.exts.get(EXT.freshestCrl) as readonly DistributionPoint[] | undefined;
  }
  get authorityInfoAccess(): readonly AccessDescription[] | undefined {
    return this.exts.get(EXT.authorityInfoAccess) as readonly AccessDescription[] | undefined;
  }
  get subjectInfoAccess(): readonly AccessDescription[] | undefined {
    return this.exts.get(EXT.subjectInfoAccess) as readonly AccessDescription[] | undefined;
  }
  get subjectDirectoryAttributes(): readonly DirectoryAttribute[] | undefined {
    return this.exts.get(EXT.subjectDirectoryAttributes) as readonly DirectoryAttribute[] | undefined;
  }
  get tlsFeature(): readonly number[] | undefined {
    return this.exts.get(EXT.tlsFeature) as readonly number[] | undefined;
  }
  get mustStaple(): boolean {
    return this.tlsFeature?.includes(TLS_STATUS_REQUEST) ?? false;
  }
  get ocspNoCheck(): boolean {
    return this.exts.get(EXT.ocspNoCheck) === true;
  }
  get profile(): string | undefined {
    return this.exts.get(EXT.profile) as string | undefined;
  }
}

/** Version is [0] EXPLICIT INTEGER DEFAULT v1: spelled-out version 1 is not DER. */
function readVersion(reader: DerReader): 1 | 2 | 3 {
  if (reader.peek() !== 0xa0) return 1;
  const outer = reader.enter(0xa0);
  const version = reader.smallInteger();
  reader.leave(outer);
  if (version === 0) throw new PkiError('der_default', 'version 1', reader.from);
  if (version > 2) throw new PkiError('cert_version', `version ${version + 1}`, reader.from);
  return version === 1 ? 2 : 3;
}

function readUniqueIds(reader: DerReader, version: number): readonly (Uint8Array | undefined)[] {
  if (version === 1) throw new PkiError('cert_version', 'unique identifiers need version 2 or 3', reader.pos);
  return [0x81, 0x82].map((tag) => {
    if (reader.peek() !== tag) return undefined;
    reader.bitString(tag);
    return reader.content();
  });
}

/** Lower-case hexadecimal of an INTEGER's content without its leading 00 octets, at least one octet. */
export function serialHex(bytes: Uint8Array, from = 0, to = bytes.length): string {
  while (to - from > 1 && bytes[from] === 0) from++;
  return toHex(bytes, from, to);
}
