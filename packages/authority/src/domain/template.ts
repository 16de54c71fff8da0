import {
  authorityInfoAccess,
  authorityKeyId,
  basicConstraints,
  buildName,
  crlDistributionPoints,
  extendedKeyUsage,
  keyUsage,
  OID,
  profileName,
  subjectAltName,
  subjectKeyId,
  parseIpAddress,
} from '@countersign/pki';
import type { Certificate, CertificateTemplate, Extension, GeneralName, SubjectPublicKeyInfo } from '@countersign/pki';
import { keyIdentifier } from './ca.ts';
import type { Ca } from './ca.ts';
import { sansOf } from './names.ts';
import type { NameSet } from './names.ts';
import type { Profile } from './profiles.ts';

/** Where a certificate says that its issuer's CRL and certificate are. */
export interface PublicUrls {
  /** The base, without a slash at its end: `http://ca.example:8080`. */
  readonly base: string;
}

/** The URL of one partition of an issuing CA's CRL. */
export function crlUrl(urls: PublicUrls, caId: string, partition: number): string {
  return caId === 'root' ? `${urls.base}/crl/root.crl` : `${urls.base}/crl/${caId}/${partition}.crl`;
}

/** The base that the pointers of a certificate were made with, where they are ours. */
export function publicBaseOf(certificate: Certificate): string | undefined {
  const pointer = certificate.authorityInfoAccess?.find(({ method }) => method === OID.caIssuers);
  const url = pointer?.location.type === 'uri' ? pointer.location.value : '';
  return /^(?<base>.+)\/ca\/[a-z0-9-]+\.crt$/u.exec(url)?.groups?.['base'];
}

/** The extensions that say where to find the issuer's CRL and certificate. */
export function issuerPointers(urls: PublicUrls, issuer: Ca, partition: number): Extension[] {
  const location = { type: 'uri', value: `${urls.base}/ca/${issuer.id}.crt` } as const;
  return [
    authorityKeyId(issuer.certificate.subjectKeyId ?? keyIdentifier(issuer.certificate.spki.bits)),
    crlDistributionPoints([crlUrl(urls, issuer.id, partition)]),
    authorityInfoAccess([{ method: OID.caIssuers, location }]),
  ];
}

function generalNames(names: NameSet): GeneralName[] {
  return sansOf(names).map(({ type, value }) =>
    type === 'ip' ? { type, value: parseIpAddress(value) ?? new Uint8Array() } : { type, value },
  );
}

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
}

/** The certificate of a profile for a holder, before it is signed. */
export function leafTemplate(leaf: LeafContents, issuer: Ca, urls: PublicUrls): CertificateTemplate {
  const { profile, name, spki, serialNumber, notBefore, notAfter, partition } = leaf;
  const sans = generalNames(leaf.names);
  return {
    serialNumber,
    issuer: issuer.certificate.subject,
    subject: buildName([{ type: 'CN', value: name }]),
    notBefore,
    notAfter,
    spki: spki.der,
    extensions: [
      basicConstraints({ ca: false }),
      keyUsage(['digitalSignature']),
      extendedKeyUsage(profile.usages.map((usage) => OID[usage])),
      subjectKeyId(keyIdentifier(spki.bits)),
      ...issuerPointers(urls, issuer, partition),
      ...(sans.length > 0 ? [subjectAltName(sans)] : []),
      profileName(profile.name),
    ],
  };
}
