export * from './errors.ts';
export { TAG } from './der/tags.ts';
export { checkDer, DerReader } from './der/reader.ts';
export type { DerLimits } from './der/reader.ts';
export * as der from './der/writer.ts';
export { compareOctets, concatOctets, equalOctets, fromHex, toHex, wipe } from './der/octets.ts';
export { oidFromText, oidToText } from './der/oid.ts';
export { OID } from './x509/oids.ts';
export { algorithmEquals, algorithmIdentifier, readAlgorithm } from './x509/algorithm.ts';
export type { AlgorithmIdentifier } from './x509/algorithm.ts';
export { nameEquals, parseName, readName } from './x509/name.ts';
export type { AttributeTypeAndValue, Name, RelativeDistinguishedName } from './x509/name.ts';
export { canonicalName, canonicalRdn, prepareText } from './x509/name-compare.ts';
export { ATTRIBUTE_NAMES, nameToString, rdnToString } from './x509/name-text.ts';
export { attributeType, buildName } from './x509/build-name.ts';
export type { NameAttribute } from './x509/build-name.ts';
export { readGeneralName, readGeneralNames } from './x509/general-name.ts';
export type { GeneralName } from './x509/general-name.ts';
export { parsePublicKeyInfo, readPublicKeyInfo } from './x509/public-key.ts';
export type { EcCurve, PublicKeyKind, SubjectPublicKeyInfo } from './x509/public-key.ts';
export type { Extension } from './x509/extensions/extension.ts';
export type { NameConstraints } from './x509/extensions/constraints.ts';
export type { DistributionPoint, DistributionPointName } from './x509/extensions/distribution-points.ts';
export type { AccessDescription, AuthorityKeyIdentifier, DirectoryAttribute } from './x509/extensions/identifiers.ts';
export type { PolicyConstraints, PolicyInformation, PolicyMapping } from './x509/extensions/policies.ts';
export { KEY_USAGES, KeyUsage } from './x509/extensions/usage.ts';
export type { BasicConstraints, KeyUsageName } from './x509/extensions/usage.ts';
export type { Certificate } from './x509/certificate.ts';
export { parseCertificate, serialHex } from './x509/parse-certificate.ts';
export type { CertificateParseOptions } from './x509/parse-certificate.ts';
export * from './x509/build-extensions.ts';
export { encodeGeneralName, encodeGeneralNames } from './x509/build-general-name.ts';
export { assembleSigned, buildCertificate, buildTbs } from './x509/build-certificate.ts';
export type { CertificateTemplate } from './x509/build-certificate.ts';
export type { AsyncVerifier, Crypto, DigestAlgorithm, Signer } from './keys/crypto.ts';
export {
  defaultScheme,
  isLegacyScheme,
  LEGACY_SCHEMES,
  MODERN_SCHEMES,
  pssSaltLength,
  schemeAlgorithm,
  schemeFitsKey,
  signatureScheme,
} from './keys/scheme.ts';
export type { LegacyScheme, ModernScheme, SignatureScheme } from './keys/scheme.ts';
export { SLH_DSA_SETS } from './keys/slh-dsa.ts';
export type { SlhDsaSet } from './keys/slh-dsa.ts';
export { receivingUsage } from './keys/receiving-usage.ts';
export { isStrongKey, RSA_BITS } from './keys/strength.ts';
export { verifySignature, verifySignatureElsewhere } from './keys/verify.ts';
export type { SignatureErrorCode, SignatureResult, Signed } from './keys/verify.ts';
export { decodeBase64, encodeBase64 } from './pem/base64.ts';
export { pemDecode, pemDecodeOne, pemEncode, pemLabelAdvice, TRUSTED_CERTIFICATE } from './pem/pem.ts';
export type { PemBlock, PemLimits } from './pem/pem.ts';
export type { BlockCipher, PasswordCrypto, PasswordDigest, ScryptCost } from './pkcs5/port.ts';
export type { PasswordEncryption } from './pkcs5/encryption.ts';
export { decryptPkcs8, encryptPkcs8, readEncryptedPrivateKey } from './pkcs8/encrypted-private-key.ts';
export type { KeyProtection, OpenedPrivateKey } from './pkcs8/encrypted-private-key.ts';
export { parsePrivateKey } from './pkcs8/private-key-info.ts';
export type { PrivateKeyInfo } from './pkcs8/private-key-info.ts';
export type { PrivateKeyKind } from './pkcs8/private-key-kinds.ts';
export { buildPkcs12 } from './pkcs12/build.ts';
export type { BuildPkcs12Options, Pkcs12Contents, Pkcs12Format } from './pkcs12/build.ts';
export { parsePkcs12 } from './pkcs12/parse.ts';
export type { ParsedPkcs12, ParsePkcs12Options, Pkcs12, Pkcs12Certificate, Pkcs12Key } from './pkcs12/parse.ts';
export type { Pkcs12Mac } from './pkcs12/mac.ts';
export type { BagAttributes } from './pkcs12/safe-bags.ts';
export { parseSpiffeId, spiffeIdWithin } from './spiffe/spiffe-id.ts';
export type { SpiffeId, SpiffeIdProblem, SpiffeIdResult } from './spiffe/spiffe-id.ts';
export { parseCsr } from './csr/csr.ts';
export type { Csr, CsrAttribute, RequestedExtensions } from './csr/csr.ts';
export { KEY_DELIVERY_OID, readKeyDelivery } from './csr/key-delivery.ts';
export type { KeyDelivery } from './csr/key-delivery.ts';
export { buildCsr, buildCsrInfo } from './csr/build-csr.ts';
export type { CsrTemplate } from './csr/build-csr.ts';
export type { Crl, CrlEntry } from './crl/crl.ts';
export type { CrlEntryView } from './crl/entries.ts';
export { parseCrl } from './crl/parse-crl.ts';
export { CRL_REASONS, reasonName } from './crl/reasons.ts';
export type { CrlReason } from './crl/reasons.ts';
export { issuingDistributionPoint } from './crl/issuing-distribution-point.ts';
export type { IssuingDistributionPoint } from './crl/issuing-distribution-point.ts';
export { buildCrl, buildCrlTbs, CrlBuilder, crlNumber, deltaCrlIndicator } from './crl/build-crl.ts';
export type { CrlEntryTemplate, CrlTemplate } from './crl/build-crl.ts';
export * from './path/index.ts';
export { lintCertificate } from './lint/lint-certificate.ts';
export type { LintCertificateOptions } from './lint/lint-certificate.ts';
export { lintCrl } from './lint/lint-crl.ts';
export type { LintCrlOptions } from './lint/lint-crl.ts';
export type { LintProfile } from './lint/certificate/profiles.ts';
export { LINT_RULES } from './lint/findings.ts';
export type { LintCode, LintFinding, LintSeverity } from './lint/findings.ts';
export type { OcspCertId } from './ocsp/cert-id.ts';
export { encodeCertId, ocspCertId } from './ocsp/cert-id.ts';
export { buildOcspRequest, parseOcspRequest } from './ocsp/request.ts';
export type { BuildOcspRequestOptions, OcspQuestion, OcspRequest } from './ocsp/request.ts';
export { OCSP_RESPONSE_STATUS, parseOcspResponse, parseOcspResponseData } from './ocsp/response.ts';
export type {
  BasicOcspResponse,
  OcspResponderId,
  OcspResponse,
  OcspResponseData,
  OcspResponseStatus,
  OcspSingleResponse,
} from './ocsp/response.ts';
export {
  archiveCutoff,
  assembleOcspResponse,
  buildOcspError,
  buildOcspResponse,
  buildOcspTbs,
} from './ocsp/build-response.ts';
export type { OcspAnswer, OcspResponseTemplate } from './ocsp/build-response.ts';
export { verifyOcspResponse } from './ocsp/verify.ts';
export type { OcspProblem, OcspResult, OcspVerified, VerifyOcspOptions } from './ocsp/verify.ts';
export type { OcspResponder } from './ocsp/responder.ts';
export { berToDer } from './ber/ber-to-der.ts';
export { buildCertsOnly, parseCertsOnly } from './cms/certs-only.ts';
export type { CertsOnly } from './cms/certs-only.ts';
export { buildKeyPackage, buildSignedData, contentInfo } from './cms/build-signed-data.ts';
export type { SignedDataTemplate } from './cms/build-signed-data.ts';
export { buildEnvelopedData } from './cms/build-enveloped-data.ts';
export type { EnvelopedContent } from './cms/build-enveloped-data.ts';
export { CMS_OID } from './cms/oids.ts';
export type { EnvelopeCrypto } from './cms/port.ts';
export { recipientOf } from './cms/recipient.ts';
export type { KeyManagement, RecipientProblem } from './cms/recipient.ts';
