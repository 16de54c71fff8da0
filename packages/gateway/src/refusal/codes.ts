import type { RefusalCode } from '@countersign/trust';

export type { RefusalCode } from '@countersign/trust';

/** What a request can end with here: the contract's codes, and 404 for a host that is served and a path that is not. */
export type ProblemCode = RefusalCode | 'no_route';
