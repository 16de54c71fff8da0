export { startAgent } from './agent.ts';
export type { Agent, AgentOptions } from './agent.ts';
export { agentJsonSchema } from './config.ts';
export { AGENT_ERRORS, AgentError } from './errors.ts';
export type { AgentErrorCode } from './errors.ts';
export type { KeptIdentity } from './kept-identity.ts';
