export type * from './connection.ts';
export { DEFAULT_HTTP_OPTIONS } from './connection.ts';
export type { ProblemCode, RefusalCode } from './refusal/codes.ts';
