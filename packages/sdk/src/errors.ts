/** Every way in which the SDK refuses: a stable code and what to do about it. */
export const SDK_ERRORS = {
  tls_disarmed: 'Unset NODE_TLS_REJECT_UNAUTHORIZED: with it nobody on the other side is verified.',
  identity_missing: 'Check the paths of certificate, key and CA; enroll where there is no identity yet.',
  identity_malformed: 'Issue or enroll the identity again; `countersign inspect FILE` shows what is in a file.',
  identity_mismatch: 'Install certificate and private key from the same place.',
  identity_unwritable: 'Check space and permissions of the folder.',
  key_encrypted: 'Give the passphrase of the private key.',
  key_passphrase: 'Give the passphrase that belongs to this private key.',
  token_malformed: 'Copy the whole token, as `countersign token` printed it.',
  token_expired: 'Ask for a new token; they last minutes.',
  root_not_shown: 'The server did not show the root that the token names: check the URL.',
  server_untrusted: 'The server is not the authority that the token or the CA file is of. Nothing was sent to it.',
  server_revoked: 'The server shows a certificate that was revoked: whoever runs it has to renew it.',
  staple_missing:
    'The server staples no OCSP response, which this client or its own certificate demands: switch stapling on there.',
  staple_invalid:
    'The OCSP response of the server proves nothing; the detail says why. See whether its clock and its responder are right.',
  server_options: 'Say in the options of the server what its clients are judged by; the detail says what is amiss.',
  connection_unknown: 'Ask about connections and requests of servers that this trust has made, and no others.',
  authority_unreachable: 'Check that the authority runs and that its URL can be reached from here.',
  authority_refused: 'The code of the refusal says what to do.',
  answer_malformed: 'Check that this is the URL of an authority, of a matching version.',
  answer_untrusted: 'The authority answered with a certificate that is not for this key, or not under the pinned root.',
} as const;

export type SdkErrorCode = keyof typeof SDK_ERRORS;

/** What an authority said when it refused (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly correlationId?: string | undefined;
}

/**
 * The error that the SDK throws.
 *
 * @example
 * try { await enroll(options); } catch (error) { if (error instanceof SdkError) error.code; }
 */
export class SdkError extends Error {
  readonly code: SdkErrorCode;
  /** What to do about it. */
  readonly mend: string;
  /** The authority's own words, with `authority_refused`. */
  readonly problem: Problem | undefined;

  constructor(code: SdkErrorCode, detail: string, options: { problem?: Problem | undefined; cause?: unknown } = {}) {
    super(detail, { cause: options.cause });
    this.name = 'SdkError';
    this.code = code;
    this.mend = SDK_ERRORS[code];
    this.problem = options.problem;
  }
}
