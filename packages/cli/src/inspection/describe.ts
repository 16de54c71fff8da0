// The objects of a file, told: one plain value each, the same for people and for programs.
import {
  type AlgorithmIdentifier,
  type Certificate,
  type Crl,
  type Csr,
  formatIpAddress,
  type GeneralName,
  nameToString,
  OID,
  type PrivateKeyInfo,
  type PublicKeyKind,
  signatureScheme,
  type SubjectPublicKeyInfo,
  toHex,
  verifySignature,
} from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { describeOcsp } from './describe-ocsp.ts';
import { type Description, hex, notEmpty, present, sha256, time } from './facts.ts';
import type { Found } from './read.ts';

/** Everything there is to tell about one find. */
export function describe(found: Found): Description {
  switch (found.kind) {
    case 'certificate':
      return { kind: found.kind, ...describeCertificate(found.certificate) };
    case 'request':
      return { kind: found.kind, ...describeRequest(found.csr) };
    case 'crl':
      return { kind: found.kind, ...describeCrl(found.crl) };
    case 'private key':
      return { kind: found.kind, key: privateKeyText(found.key) };
    case 'encrypted private key':
      return { kind: found.kind, bytes: found.bytes };
    case 'public key':
      return { kind: found.kind, ...describeKey(found.spki) };
    case 'pkcs12':
      if (typeof found.contents === 'string') return { kind: found.kind, state: found.contents };
      return {
        kind: found.kind,
        state: 'open',
        keys: found.contents.keys.map(({ key }) => privateKeyText(key)),
        certificates: found.contents.certificates.length,
      };
    case 'pkcs7':
      return { kind: found.kind, certificates: found.certificates, crls: found.crls };
    case 'ocsp request':
    case 'ocsp response':
      return { kind: found.kind, ...describeOcsp(found) };
    case 'token':
      return { kind: found.kind, header: found.header, payload: found.payload };
    case 'unknown':
      return { kind: found.kind, label: found.label };
    case 'malformed':
      return { kind: found.kind, label: found.label, code: found.code, detail: found.detail };
  }
}

function describeCertificate(certificate: Certificate): Description {
  const { basicConstraints, authorityKeyId, crlDistributionPoints, authorityInfoAccess } = certificate;
  const usages = certificate.extendedKeyUsage?.map((oid) => usageNames.get(oid) ?? oid);
  return present({
    subject: nameToString(certificate.subject),
    issuer: nameToString(certificate.issuer),
    serial: certificate.serialHex,
    notBefore: time(certificate.notBefore),
    notAfter: time(certificate.notAfter),
    names: certificate.subjectAltName?.map(nameText),
    profile: certificate.profile,
    ...describeKey(certificate.spki),
    signatureAlgorithm: algorithmText(certificate.signatureAlgorithm),
    ca: basicConstraints?.ca,
    pathLen: basicConstraints?.pathLen,
    keyUsage: certificate.keyUsage?.names,
    extendedKeyUsage: usages,
    subjectKeyId: hex(certificate.subjectKeyId),
    authorityKeyId: hex(authorityKeyId?.keyId),
    crl: crlDistributionPoints?.flatMap(({ name }) => name?.fullName?.map(nameText) ?? []),
    issuerInformation: authorityInfoAccess?.map(({ location }) => nameText(location)),
    mustStaple: certificate.mustStaple ? true : undefined,
    unknownCriticalExtensions: notEmpty(certificate.unknownCriticalExtensions),
    fingerprintSha256: sha256(certificate.der),
  });
}

function describeRequest(csr: Csr): Description {
  return present({
    subject: nameToString(csr.subject),
    names: csr.requestedExtensions.subjectAltName?.map(nameText),
    ...describeKey(csr.spki),
    signature: verifySignature(csr, csr.spki, nodeCrypto).ok ? 'proves possession of the key' : 'does not verify',
    keyUsage: csr.requestedExtensions.keyUsage?.names,
    extendedKeyUsage: csr.requestedExtensions.extendedKeyUsage?.map((oid) => usageNames.get(oid) ?? oid),
  });
}

function describeCrl(crl: Crl): Description {
  const point = crl.issuingDistributionPoint?.name;
  return present({
    issuer: nameToString(crl.issuer),
    number: crl.crlNumber?.toString(),
    thisUpdate: time(crl.thisUpdate),
    nextUpdate: crl.nextUpdate === undefined ? undefined : time(crl.nextUpdate),
    entries: crl.entryCount,
    delta: crl.deltaCrlIndicator === undefined ? undefined : true,
    distributionPoint: point?.fullName?.map(nameText),
    authorityKeyId: hex(crl.authorityKeyId?.keyId),
    signatureAlgorithm: algorithmText(crl.signatureAlgorithm),
    unknownCriticalExtensions: notEmpty(crl.unknownCriticalExtensions),
    bytes: crl.der.length,
  });
}

function describeKey(spki: SubjectPublicKeyInfo): Description {
  return { key: keyText(spki.key), spkiSha256: sha256(spki.der) };
}

function keyText(key: PublicKeyKind): string {
  switch (key.type) {
    case 'ec':
      return key.curve;
    case 'rsa':
      return `RSA ${key.bits}${key.pss === undefined ? '' : ' (PSS only)'}`;
    case 'ed25519':
      return 'Ed25519';
    case 'ed448':
      return 'Ed448';
    case 'ml-dsa':
      return `ML-DSA-${key.parameterSet}`;
    case 'slh-dsa':
      return `SLH-DSA-${key.parameterSet}`;
    case 'dsa':
      return `DSA ${key.bits}`;
    case 'ec-other':
      return `elliptic curve ${key.curveOid}`;
    case 'unknown':
      return `unknown (${key.oid})`;
  }
}

function privateKeyText({ kind }: PrivateKeyInfo): string {
  switch (kind.type) {
    case 'ec':
      return kind.curve;
    case 'rsa':
      return `RSA ${kind.bits}`;
    case 'ed25519':
      return 'Ed25519';
    case 'ml-dsa':
      return `ML-DSA-${kind.parameterSet}`;
    case 'unknown':
      return 'unknown';
  }
}

/** A general name with its type, e.g. `dns:api.example.com`. */
function nameText(name: GeneralName): string {
  switch (name.type) {
    case 'dns':
    case 'email':
    case 'uri':
    case 'registeredId':
      return `${name.type}:${name.value}`;
    case 'ip':
      return `ip:${formatIpAddress(name.value)}`;
    case 'directory':
      return `directory:${nameToString(name.value)}`;
    case 'other':
      return `other:${name.oid}`;
    case 'x400':
    case 'ediParty':
      return `${name.type}:${toHex(name.value)}`;
  }
}

const usageNames: ReadonlyMap<string, string> = new Map([
  [OID.serverAuth, 'serverAuth'],
  [OID.clientAuth, 'clientAuth'],
  [OID.codeSigning, 'codeSigning'],
  [OID.emailProtection, 'emailProtection'],
  [OID.timeStamping, 'timeStamping'],
  [OID.ocspSigning, 'OCSPSigning'],
  [OID.anyExtendedKeyUsage, 'anyExtendedKeyUsage'],
]);

function algorithmText(algorithm: AlgorithmIdentifier): string {
  return signatureScheme(algorithm) ?? algorithm.oid;
}
