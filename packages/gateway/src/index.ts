export type * from './connection.ts';
export { DEFAULT_HTTP_OPTIONS } from './connection.ts';
export type { ProblemCode, RefusalCode } from './refusal/codes.ts';
export { compileConfig } from './config/compile.ts';
export type { GatewayConfig } from './config/config.ts';
export { type ConfigProblem, GatewayConfigError } from './config/errors.ts';
export { gatewayJsonSchema } from './config/json-schema.ts';
export type { GatewayConfigInput } from './config/schema.ts';
export { GATEWAY_START_ERRORS } from './primary/start-error.ts';
export type { GatewayListen, GatewayOptions } from './primary/primary.ts';

/**
 * The module to fork for a gateway. Its first message is `{ command: 'start', options: GatewayOptions }`; it answers with the
 * process events of @countersign/protocol: `listening` of each worker and then its own, or `failed`. Later,
 * `{ command: 'reload', options }` takes another configuration and is answered alike; where it cannot be used (`failed`),
 * everything stays as it was. SIGTERM drains it, and so does the end of the IPC channel.
 */
export const gatewayProcess: URL = new URL(
  import.meta.url.endsWith('.ts') ? './process.ts' : './process.js',
  import.meta.url,
);
