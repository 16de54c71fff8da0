/**
 * x509-limbo's JSON form (C2SP x509-limbo, BetterTLS in the same form). What a case needs is read from its features,
 * its kind and its inputs; its name is a label and nothing else.
 */

import {
  buildAndValidate,
  matchEmail,
  matchHost,
  OID,
  crlChecker,
  parseCertificate,
  parseCrl,
  pemDecode,
  trustAnchor,
  type Certificate,
  type Crl,
  type KeyUsageName,
  type PathErrorCode,
  type PathOptions,
  type PathProfile,
  type PathResult,
} from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { agreesByWord, attempt, type Case, type Outcome, type Suite } from './case.ts';
import { failure, malformed, pathOutcome } from './words.ts';
import { isPublicSuffix } from './public-suffix.ts';

interface PeerName {
  readonly kind: 'DNS' | 'IP' | 'RFC822';
  readonly value: string;
}

interface LimboCase {
  readonly id: string;
  readonly features?: readonly string[] | null;
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly trusted_certs?: readonly string[] | null;
  readonly untrusted_intermediates?: readonly string[] | null;
  readonly peer_certificate: string;
  readonly validation_time?: string | null;
  readonly signature_algorithms?: readonly string[] | null;
  readonly key_usage?: readonly string[] | null;
  readonly extended_key_usage?: readonly string[] | null;
  readonly expected_result?: string | null;
  readonly expected_peer_name?: PeerName | null;
  readonly expected_peer_names?: readonly PeerName[] | null;
  readonly max_chain_depth?: number | null;
  readonly crls?: readonly string[] | null;
}

/** Settings of one run. */
export interface LimboSettings {
  /** Holds for every case instead of what the case's own features and kind ask for. */
  readonly profile?: PathProfile;
  /** For cases that name no time, in milliseconds since the epoch. */
  readonly now: number;
}

const USAGES: Readonly<Record<string, string>> = {
  anyExtendedKeyUsage: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
};

const PURPOSES: Readonly<Record<LimboCase['validation_kind'], string>> = { SERVER: 'serverAuth', CLIENT: 'clientAuth' };

/**
 * Rules of `webpki` that the suite calls optional: a case that wants one says so by the feature. Without an entry here a
 * rule holds for every SERVER case.
 */
const OPTIONAL_RULES: Readonly<Record<string, readonly PathErrorCode[]>> = {
  'pedantic-webpki-eku': ['webpki_eku', 'webpki_root_eku'],
  'pedantic-webpki-subscriber-key': ['webpki_subscriber_key'],
  'pedantic-public-suffix-wildcard': ['webpki_public_suffix'],
};

/** A CA certificate as the leaf: RFC 5280 allows it, the Baseline Requirements do not, and no feature tells which is meant. */
const UNDECIDED: readonly PathErrorCode[] = ['webpki_ca_leaf'];

export function limboSuite(file: { readonly testcases: readonly unknown[] }, settings: LimboSettings): Suite {
  return { legacy: false, cases: file.testcases.map((testcase) => limboCase(testcase as LimboCase, settings)) };
}

function limboCase(testcase: LimboCase, settings: LimboSettings): Case {
  return {
    id: testcase.id,
    expected: testcase.expected_result ?? undefined,
    agrees: agreesByWord(testcase.expected_result ?? undefined),
    run: () => attempt(() => runCase(testcase, settings), malformed),
  };
}

function runCase(testcase: LimboCase, settings: LimboSettings): Outcome {
  const leaf = only(testcase.peer_certificate);
  const result = buildAndValidate(leaf, limboOptions(testcase, settings, leaf));
  if (!result.ok) return pathOutcome(result);
  return missingName(leaf, testcase) ?? refusedAlgorithm(result, testcase) ?? pathOutcome(result);
}

/** The options that a case asks for. */
function limboOptions(testcase: LimboCase, settings: LimboSettings, leaf: Certificate): PathOptions {
  const trusted = readable(testcase.trusted_certs ?? []);
  const crls = testcase.crls ?? [];
  const host = testcase.expected_peer_name;
  const usages = testcase.extended_key_usage ?? [];
  return {
    anchors: trusted.map(trustAnchor),
    intermediates: readable(testcase.untrusted_intermediates ?? []),
    time: testcase.validation_time ? Date.parse(testcase.validation_time) : settings.now,
    crypto: nodeCrypto,
    strict: true,
    ...profileOf(testcase, settings, [leaf, ...trusted]),
    isPublicSuffix,
    // The case's own list of key usages says what the leaf's must be, not the purpose.
    purpose: 'any',
    keyUsages: (testcase.key_usage ?? []).map(keyUsageName),
    extendedKeyUsages: (usages.length > 0 ? usages : [PURPOSES[testcase.validation_kind]]).map(
      (usage) => USAGES[usage] ?? usage,
    ),
    ...(host && host.kind !== 'RFC822' && { host: host.value }),
    ...(typeof testcase.max_chain_depth === 'number' && { maxPathLength: testcase.max_chain_depth }),
    ...(crls.length > 0 && { revocation: crlChecker({ crls: readableCrls(crls), scope: 'chain' }) }),
  };
}

/**
 * A client's certificate is a private PKI's matter, and so is what the suite marks as incompatible with the web PKI, and what
 * has ML-DSA keys, which the web PKI does not know; a server's is judged by the Baseline Requirements, of which the optional parts count where the case asks for them.
 */
function profileOf(
  { validation_kind: kind, features: given }: LimboCase,
  { profile }: LimboSettings,
  certs: readonly Certificate[],
): { profile: PathProfile; without?: readonly PathErrorCode[] } {
  if (profile !== undefined) return { profile };
  const features = given ?? [];
  if (certs.some(({ spki }) => spki.key.type === 'ml-dsa')) return { profile: 'rfc5280' };
  if (kind === 'CLIENT' || features.includes('rfc5280-incompatible-with-webpki')) return { profile: 'rfc5280' };
  const unwanted = Object.entries(OPTIONAL_RULES).flatMap(([feature, codes]) =>
    features.includes(feature) ? [] : codes,
  );
  return { profile: 'webpki', without: [...unwanted, ...UNDECIDED] };
}

function missingName(leaf: Certificate, testcase: LimboCase): Outcome | undefined {
  const names = [...(testcase.expected_peer_names ?? [])];
  if (testcase.expected_peer_name?.kind === 'RFC822') names.push(testcase.expected_peer_name);
  const missing = names.find(
    ({ kind, value }) => !(kind === 'RFC822' ? matchEmail(leaf, value) : matchHost(leaf, value)),
  );
  return missing && failure('host_mismatch', leaf, missing.value);
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  RSA_WITH_SHA256: '1.2.840.113549.1.1.11',
  RSA_WITH_SHA384: '1.2.840.113549.1.1.12',
  RSA_WITH_SHA512: '1.2.840.113549.1.1.13',
  RSASSA_PSS: '1.2.840.113549.1.1.10',
  ECDSA_WITH_SHA256: '1.2.840.10045.4.3.2',
  ECDSA_WITH_SHA384: '1.2.840.10045.4.3.3',
  ECDSA_WITH_SHA512: '1.2.840.10045.4.3.4',
  ED25519: '1.3.101.112',
  ML_DSA_44: OID.mlDsa44,
  ML_DSA_65: OID.mlDsa65,
  ML_DSA_87: OID.mlDsa87,
};

/** `signature_algorithms` narrows what is accepted; what is not in the table is accepted by nobody. */
function refusedAlgorithm(result: PathResult & { ok: true }, testcase: LimboCase): Outcome | undefined {
  const accepted = testcase.signature_algorithms ?? [];
  if (accepted.length === 0) return undefined;
  const oids = new Set(accepted.map((name) => ALGORITHMS[name.replace(/^(?:ID_)?ML_?DSA_?(?=\d)/iu, 'ML_DSA_')]));
  const signed = result.anchor.certificate === undefined ? result.path : result.path.slice(0, -1);
  const refused = signed.find((cert) => !oids.has(cert.signatureAlgorithm.oid));
  return refused && failure('algorithm_refused', refused, refused.signatureAlgorithm.oid);
}

function keyUsageName(name: string): KeyUsageName {
  return (name === 'contentCommitment' ? 'nonRepudiation' : name) as KeyUsageName;
}

function only(pem: string): Certificate {
  const [block, ...more] = pemDecode(pem);
  if (block === undefined || more.length > 0) throw new Error('not one certificate');
  return parseCertificate(block.der);
}

/** What cannot be read cannot be on a path; the others can. */
function readable(pems: readonly string[]): Certificate[] {
  return pems.flatMap((pem) => pemDecode(pem)).flatMap(({ der }) => unlessMalformed(() => parseCertificate(der)));
}

function readableCrls(pems: readonly string[]): Crl[] {
  return pems.flatMap((pem) => pemDecode(pem)).flatMap(({ der }) => unlessMalformed(() => parseCrl(der)));
}

function unlessMalformed<T>(read: () => T): T[] {
  try {
    return [read()];
  } catch {
    return [];
  }
}
