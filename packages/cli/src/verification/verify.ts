// The judgement of files: pki's path validation over what the command line names.
import {
  type AlgorithmPolicy,
  buildAndValidate,
  type Certificate,
  crlChecker,
  nameToString,
  parseCertificate,
  PATH_CODES,
  type PathFault,
  type PathProfile,
  PkiError,
  refusalOf,
  trustAnchor,
} from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { type OnMalformed, readCertificates, wellFormedCertificates, wellFormedCrls } from './certificates.ts';

/** Which files are judged, and by which rules. Paths are absolute. */
export interface Judgement {
  /** The certificate, and after it whatever came with it. */
  readonly certificate: string;
  readonly trust: readonly string[];
  readonly intermediates: readonly string[];
  /** Once there are any, what they don't cover is refused. */
  readonly crls: readonly string[] | undefined;
  readonly crlScope: 'chain' | 'leaf';
  readonly purpose: 'client' | 'server' | 'any';
  readonly host: string | undefined;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly profile: PathProfile;
  /** Issuers are held to RFC 5280 section 4 as well. */
  readonly strict: boolean;
  readonly algorithms: AlgorithmPolicy;
}

/** A certificate of a path, in few words. */
export interface Brief {
  readonly subject: string;
  readonly serial: string;
  readonly notAfter: string;
}

/** Why a path does not stand: the contract's code, the reason behind it, the certificate it is about. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  readonly detail: string;
  /** For people: which certificate, and what is wrong with it. */
  readonly message: string;
  readonly at?: Brief;
}

/** What `verify --json` prints. */
export type FileVerdict = (
  | { readonly ok: true; readonly path: readonly Brief[] }
  | ({ readonly ok: false; readonly attempts: readonly (Refusal & { path: readonly Brief[] })[] } & Refusal)
) & {
  /** Certificates and CRLs that nobody can read, and that therefore did not count; absent where there were none. */
  readonly malformed?: readonly Malformed[];
};

/** Something in a file that is malformed. */
export interface Malformed {
  /** Absolute path. */
  readonly file: string;
  readonly detail: string;
}

/**
 * Judges a certificate file.
 *
 * @param onMalformed told of certificates and CRLs beside it that nobody can read, and that therefore do not count
 * @throws CliFailure (exit 2) for files that can't be read; what is wrong with the certificate itself is a verdict.
 */
export function judgeFiles(judgement: Judgement, onMalformed: OnMalformed): FileVerdict {
  const malformed: Malformed[] = [];
  const verdict = judge(judgement, (file, detail) => {
    malformed.push({ file, detail });
    onMalformed(file, detail);
  });
  return malformed.length === 0 ? verdict : { ...verdict, malformed };
}

function judge(judgement: Judgement, onMalformed: OnMalformed): FileVerdict {
  const anchors = wellFormedCertificates(judgement.trust, onMalformed).map(trustAnchor);
  const crls = wellFormedCrls(judgement.crls ?? [], onMalformed);
  const [leafDer, ...rest] = readCertificates(judgement.certificate);
  const leaf = parsed(leafDer ?? new Uint8Array());
  if (leaf instanceof PkiError) {
    const message = `the certificate is malformed: ${leaf.message}`;
    return { ok: false, code: 'malformed_certificate', reason: leaf.code, detail: leaf.message, message, attempts: [] };
  }
  const result = buildAndValidate(leaf, {
    anchors,
    intermediates: [
      ...wellFormed(rest, judgement.certificate, onMalformed),
      ...wellFormedCertificates(judgement.intermediates, onMalformed),
    ],
    time: judgement.time,
    crypto: nodeCrypto,
    profile: judgement.profile,
    strict: judgement.strict,
    algorithms: judgement.algorithms,
    purpose: judgement.purpose,
    ...(judgement.host === undefined ? {} : { host: judgement.host }),
    ...(judgement.crls === undefined ? {} : { revocation: crlChecker({ crls, scope: judgement.crlScope }) }),
  });
  if (result.ok) return { ok: true, path: result.path.map(brief) };
  const attempts = result.attempts.map((one) => ({ ...refusal(one), path: one.path.map(brief) }));
  return { ok: false, ...refusal(result), attempts };
}

function refusal({ code, detail, at }: PathFault): Refusal {
  const { words } = PATH_CODES[code];
  const who =
    at === undefined
      ? 'the trusted name'
      : `${nameToString(at.subject) || 'a certificate without subject'} (${at.serialHex})`;
  const message = `${who}: ${words}${detail === '' || words.includes(detail) ? '' : ` (${detail})`}`;
  return { code: refusalOf(code), reason: code, detail, message, ...(at === undefined ? {} : { at: brief(at) }) };
}

function brief(certificate: Certificate): Brief {
  return {
    subject: nameToString(certificate.subject),
    serial: certificate.serialHex,
    notAfter: new Date(certificate.notAfter).toISOString(),
  };
}

function parsed(der: Uint8Array): Certificate | PkiError {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (error instanceof PkiError) return error;
    throw error;
  }
}

// What a peer sends beside its certificate may be rubbish; it only can't help then.
function wellFormed(ders: readonly Uint8Array[], file: string, onMalformed: OnMalformed): readonly Certificate[] {
  return ders.flatMap((der) => {
    const one = parsed(der);
    if (!(one instanceof PkiError)) return [one];
    onMalformed(file, one.message);
    return [];
  });
}
