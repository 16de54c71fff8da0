/** Every way in which a trust file, a rule or a stored state is refused: a stable code and what to do about it. */
export const TRUST_ERRORS = {
  trust_file_missing: 'Check the path; nothing is trusted in its place.',
  trust_file_unreadable: 'Give the process permission to read the file.',
  trust_file_too_large: 'A trust file holds CA certificates and nothing else.',
  trust_file_empty: 'Put the CA certificate in, as PEM or DER.',
  trust_file_wrong_label: 'Only CERTIFICATE blocks belong in a trust file; keys never do.',
  trust_file_malformed: 'Export the certificate again, as PEM or DER.',
  trust_file_not_ca: 'Name the CA that issued this certificate, not the certificate itself.',
  trust_file_not_signer:
    'Name the certificate of a CRL issuer or OCSP responder; CAs belong among the files of the bundle.',
  trust_file_no_anchor: 'Add the self-signed root, or name the CA under `anchors` where it is to be trusted by itself.',
  crl_malformed: 'Have the CRL published again, as PEM or DER.',
  crl_unusable: 'Use a full CRL that the CA signed itself.',
  crl_signature_invalid: 'Check that the CRL is of the CA that the bundle trusts.',
  crl_rollback: 'An older CRL than the one in use was offered; find out who serves it.',
  crl_not_current: 'Check the clock of the CRL’s issuer and of this machine.',
  crl_fetch_failed: 'Check that the CRL’s URL can be reached from here.',
  feed_malformed: 'Check that authority and gateway are of matching versions.',
  feed_signature_invalid: 'The snapshot was not signed by the authority that this gateway enrolled with.',
  feed_diverged: 'A full snapshot is taken by itself; when it happens again, tell us.',
  feed_rollback:
    'An older state than the known one was offered; find out whether the authority was restored from a backup.',
  state_malformed: 'Remove the stored trust state; it is fetched again from the authority.',
  state_unwritable: 'Check space and permissions of the state folder.',
} as const;

export type TrustErrorCode = keyof typeof TRUST_ERRORS;

/**
 * The error that loading trust material throws (and reports, when a running process keeps its last good state).
 *
 * @example
 * try { await loadBundle({ name: 'partners', files }); } catch (error) { if (error instanceof TrustError) error.code; }
 */
export class TrustError extends Error {
  readonly code: TrustErrorCode;
  /** What to do about it. */
  readonly mend: string;
  /** The file or URL that it is about. */
  readonly source: string | undefined;

  constructor(code: TrustErrorCode, detail: string, options: { source?: string | undefined; cause?: unknown } = {}) {
    super(options.source === undefined ? detail : `${options.source}: ${detail}`, { cause: options.cause });
    this.name = 'TrustError';
    this.code = code;
    this.mend = TRUST_ERRORS[code];
    this.source = options.source;
  }
}
