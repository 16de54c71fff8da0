/** Why an agent does not start, or an identity is not there: a stable code and its meaning. */
export const AGENT_ERRORS = {
  config_invalid: 'The configuration cannot be followed',
  not_enrolled: 'There is no certificate yet, and no token to get one with',
  renewal_over: 'A certificate has expired, and cannot be renewed any more',
  url_missing: 'Nothing says where the authority is',
  hook_failed: 'The command after a renewal failed',
} as const;

/** A stable code of {@link AGENT_ERRORS}. */
export type AgentErrorCode = keyof typeof AGENT_ERRORS;

/**
 * The error that the agent throws.
 *
 * @example
 * try { startAgent(options); } catch (error) { if (error instanceof AgentError) error.code; }
 */
export class AgentError extends Error {
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, detail: string, options?: ErrorOptions) {
    super(`${AGENT_ERRORS[code]}: ${detail}`, options);
    this.name = 'AgentError';
    this.code = code;
  }
}
