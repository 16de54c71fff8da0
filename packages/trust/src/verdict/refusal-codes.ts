/**
 * The codes a peer may be refused with, in the contract's order: when several reasons hold, the first one of this table is
 * told. Everything that speaks of refusals (gateway, logs, docs, metrics) reads this one table.
 */

/** What a code means and how it is told. */
export interface RefusalEntry {
  /** HTTP status of the problem document. */
  readonly status: number;
  /** RFC 9457 `title`: the same words for each occurrence. */
  readonly title: string;
  /** What the one who is refused, or his operator, can do about it. */
  readonly mend: string;
}

const TABLE = {
  no_certificate: {
    status: 401,
    title: 'A client certificate is required',
    mend: 'Present a client certificate of a CA that this service trusts, together with its private key.',
  },
  malformed_certificate: {
    status: 403,
    title: 'The client certificate cannot be read',
    mend: 'Issue the certificate again; `countersign inspect FILE` shows where it breaks the format.',
  },
  untrusted_issuer: {
    status: 403,
    title: 'No path leads from the client certificate to a trusted CA',
    mend: 'Send the intermediate certificates along with the certificate, or let the operator add the CA to the trust bundle.',
  },
  weak_key: {
    status: 403,
    title: 'A key or signature of the certificate path is too weak',
    mend: 'Make a new key (P-256 or better, RSA of 2048 bits or more) and have it certified with SHA-256 or better.',
  },
  not_yet_valid: {
    status: 403,
    title: 'The certificate is not valid yet',
    mend: 'Wait for its notBefore, or set the clocks of the issuer and of this machine.',
  },
  expired: {
    status: 403,
    title: 'The certificate has expired',
    mend: 'Renew the certificate; where it is an intermediate or a root, install its successor.',
  },
  wrong_usage: {
    status: 403,
    title: 'The certificate is not for this use',
    mend: 'Use a certificate whose extendedKeyUsage holds clientAuth and whose keyUsage allows digitalSignature.',
  },
  name_not_permitted: {
    status: 403,
    title: 'A CA of the path may not certify this name',
    mend: 'Have the certificate issued by a CA whose name constraints permit its names.',
  },
  constraint_violated: {
    status: 403,
    title: 'A constraint of the certificate path is violated',
    mend: 'Check basicConstraints, path length, policies and critical extensions of the path with `countersign verify`.',
  },
  revoked: {
    status: 403,
    title: 'The certificate has been revoked',
    mend: 'Enroll anew with a new key; a revoked certificate does not come back (one on hold can be released).',
  },
  revocation_unknown: {
    status: 403,
    title: 'Whether the certificate is revoked is not known',
    mend: 'Configure a source of revocation (CRL) that covers every CA of the path.',
  },
  not_allowed: {
    status: 403,
    title: 'The certificate is valid but not on the allow list',
    mend: 'Let the operator add a rule for this identity, or use a certificate that a rule names.',
  },
  misdirected: {
    status: 421,
    title: 'This connection does not serve that host',
    mend: 'Open a new connection with the host name of the request as SNI.',
  },
  bad_request: {
    status: 400,
    title: 'The request cannot be understood without guessing',
    mend: 'Send one Host, one unambiguous length and a path in normal form.',
  },
  upstream_unreachable: {
    status: 502,
    title: 'The service behind the gateway cannot be reached',
    mend: 'Check that the upstream runs and that its URL is right.',
  },
  upstream_invalid: {
    status: 502,
    title: 'The service behind the gateway gave no valid answer',
    mend: "Check the upstream's HTTP and, for https, its certificate.",
  },
  upstream_timeout: {
    status: 504,
    title: 'The service behind the gateway did not answer in time',
    mend: "Check the upstream's load, or raise its timeout.",
  },
  revocation_stale: {
    status: 503,
    title: 'The news about revocations is too old to rely on',
    mend: 'Restore the connection to the authority (or the CRL); `soft` staleness admits in the meantime.',
  },
  starting: {
    status: 503,
    title: 'The gateway has no trust state yet',
    mend: 'Wait until it has reached the authority once; then try again.',
  },
} as const satisfies Record<string, RefusalEntry>;

export type RefusalCode = keyof typeof TABLE;

/** A code that the verdict on a certificate may give: the others are about requests and upstreams. */
export type VerdictCode = Exclude<
  RefusalCode,
  'misdirected' | 'bad_request' | 'upstream_unreachable' | 'upstream_invalid' | 'upstream_timeout'
>;

/** Every code, in order of precedence. */
export const REFUSAL_CODES: readonly RefusalCode[] = Object.freeze(Object.keys(TABLE) as RefusalCode[]);

const PRECEDENCE: ReadonlyMap<string, number> = new Map(REFUSAL_CODES.map((code, index) => [code, index]));

/**
 * Status, title and advice of a code.
 *
 * @example refusal('expired').status // 403
 */
export function refusal(code: RefusalCode): RefusalEntry {
  return TABLE[code];
}

/** Whether `text` is a code of the table. */
export function isRefusalCode(text: string): text is RefusalCode {
  return PRECEDENCE.has(text);
}

/** Rank of a code: 0 is told before everything else. */
export function precedence(code: RefusalCode): number {
  return PRECEDENCE.get(code) ?? REFUSAL_CODES.length;
}

/**
 * The code that is told when all of `codes` hold; undefined when none does.
 *
 * @example firstRefusal(['revoked', 'expired']) // 'expired'
 */
export function firstRefusal<Code extends RefusalCode>(codes: Iterable<Code>): Code | undefined {
  let first: Code | undefined;
  for (const code of codes) {
    if (first === undefined || precedence(code) < precedence(first)) first = code;
  }
  return first;
}
