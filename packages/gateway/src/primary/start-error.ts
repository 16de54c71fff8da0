/** Why a gateway does not start, or takes no other configuration: stable codes, beside those of the system (EADDRINUSE, …). */
export const GATEWAY_START_ERRORS = {
  certificate_unusable: 'A server certificate, its key or their file cannot be used',
  no_identity: 'The gateway has no certificate of its own, and no token to get one with',
  restart_needed: 'A part of the configuration cannot change while the gateway runs',
  tls_disarmed: 'NODE_TLS_REJECT_UNAUTHORIZED=0 is set',
  token_unreadable: 'The file of the enrollment token cannot be read',
  worker_failed: 'A worker ended before it was ready',
} as const;

/** The gateway cannot start: one line for the operator. */
export class GatewayStartError extends Error {
  /** Of {@link GATEWAY_START_ERRORS}, or the system's own. */
  readonly code: string;
  /** Whether another try could help without anybody doing something. */
  readonly retry: boolean;

  constructor(code: string, message: string, options: { readonly retry?: boolean; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'GatewayStartError';
    this.code = code;
    this.retry = options.retry ?? false;
  }
}
