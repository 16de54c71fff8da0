import {
  authorityInfoAccess,
  authorityKeyId,
  basicConstraints,
  buildName,
  crlDistributionPoints,
  extendedKeyUsage,
  keyUsage,
  ocspNoCheck,
  OID,
  profileName,
  receivingUsage,
  subjectAltName,
  subjectKeyId,
  parseIpAddress,
  tlsFeature,
} from '@countersign/pki';
import type {
  Certificate,
  CertificateTemplate,
  Extension,
  GeneralName,
  KeyUsageName,
  SubjectPublicKeyInfo,
} from '@countersign/pki';
import { keyIdentifier } from './ca.ts';
import type { Ca } from './ca.ts';
import { crlPath } from './crl/scopes.ts';
import { sansOf } from './names.ts';
import type { NameSet } from './names.ts';
import type { CrlScope } from './ports.ts';
import type { Profile } from './profiles.ts';

/** Where a certificate says that its issuer's CRL and certificate are. */
export interface PublicUrls {
  /** The base, without a slash at its end: `http://ca.example:8080`. */
  readonly base: string;
}

/** The base that the pointers of a certificate were made with, where they are ours. */
export function publicBaseOf(certificate: Certificate): string | undefined {
  const pointer = certificate.authorityInfoAccess?.find(({ method }) => method === OID.caIssuers);
  const url = pointer?.location.type === 'uri' ? pointer.location.value : '';
  return /^(?<base>.+)\/ca\/[a-z0-9-]+\.crt$/u.exec(url)?.groups?.['base'];
}

/** Where our OCSP responder is asked. */
export function ocspUrl(urls: PublicUrls): string {
  return `${urls.base}/ocsp`;
}

/** The extensions that say where to find the issuer's CRL, its certificate and its OCSP responder. */
export function issuerPointers(urls: PublicUrls, issuer: Ca, scope: CrlScope): Extension[] {
  const uri = (value: string) => ({ type: 'uri', value }) as const;
  // The root's key is away: it certifies no responder, and its CRL tells everything.
  const ocsp = issuer.id === 'root' ? [] : [{ method: OID.ocsp, location: uri(ocspUrl(urls)) }];
  return [
    authorityKeyId(issuer.certificate.subjectKeyId ?? keyIdentifier(issuer.certificate.spki.bits)),
    crlDistributionPoints([urls.base + crlPath(issuer.id, scope)]),
    authorityInfoAccess([...ocsp, { method: OID.caIssuers, location: uri(`${urls.base}/ca/${issuer.id}.crt`) }]),
  ];
}

function generalNames(names: NameSet): GeneralName[] {
  return sansOf(names).map(({ type, value }) =>
    type === 'ip' ? { type, value: parseIpAddress(value) ?? new Uint8Array() } : { type, value },
  );
}

/** "Must staple": the TLS extension that the server has to answer (RFC 7633, RFC 6066 section 8). */
const STATUS_REQUEST = 5;

/** What a leaf is made of. */
export interface LeafContents {
  readonly profile: Profile;
  readonly name: string;
  readonly names: NameSet;
  readonly spki: SubjectPublicKeyInfo;
  readonly serialNumber: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly partition: number;
  readonly mustStaple: boolean;
  /** Its key may also have something encrypted to it, where it can: a key that is made here for the next certificate. */
  readonly receivesKeys: boolean;
}

/** What the certificate of every end entity says first: who, until when, with which key; that it is no CA, and signs. */
function endEntity(
  entity: ResponderContents,
  issuer: Ca,
  usages: readonly string[],
  further: readonly Extension[],
  receiving?: KeyUsageName,
): CertificateTemplate {
  const { name, spki, serialNumber, notBefore, notAfter } = entity;
  return {
    serialNumber,
    issuer: issuer.certificate.subject,
    subject: buildName([{ type: 'CN', value: name }]),
    notBefore,
    notAfter,
    spki: spki.der,
    extensions: [
      basicConstraints({ ca: false }),
      keyUsage(['digitalSignature', ...(receiving === undefined ? [] : [receiving])]),
      extendedKeyUsage(usages),
      subjectKeyId(keyIdentifier(spki.bits)),
      ...further,
    ],
  };
}

/** The certificate of a profile for a holder, before it is signed. */
export function leafTemplate(leaf: LeafContents, issuer: Ca, urls: PublicUrls): CertificateTemplate {
  const { profile, partition } = leaf;
  const sans = generalNames(leaf.names);
  const usages = profile.usages.map((usage) => OID[usage]);
  const further = [
    ...issuerPointers(urls, issuer, partition),
    ...(sans.length > 0 ? [subjectAltName(sans)] : []),
    ...(leaf.mustStaple ? [tlsFeature([STATUS_REQUEST])] : []),
    profileName(profile.name),
  ];
  const receiving = leaf.receivesKeys ? receivingUsage(leaf.spki.key) : undefined;
  return endEntity(leaf, issuer, usages, further, receiving);
}

/** What the certificate of an OCSP responder is made of. */
export type ResponderContents = Pick<LeafContents, 'name' | 'spki' | 'serialNumber' | 'notBefore' | 'notAfter'>;

/**
 * The certificate by which a CA delegates its OCSP answers (RFC 6960, section 4.2.2.2), before it is signed: good for nothing else, and
 * never asked after itself, because it is short-lived.
 */
export function responderTemplate(responder: ResponderContents, issuer: Ca): CertificateTemplate {
  return endEntity(
    responder,
    issuer,
    [OID.ocspSigning],
    [
      ocspNoCheck(),
      authorityKeyId(issuer.certificate.subjectKeyId ?? keyIdentifier(issuer.certificate.spki.bits)),
      profileName('ocsp'),
    ],
  );
}
