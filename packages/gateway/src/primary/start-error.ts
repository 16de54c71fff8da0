/** The gateway cannot start: one line for the operator. */
export class GatewayStartError extends Error {
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
