import type { AcmeErrorType } from '../../domain/acme/problem.ts';

/** Why a challenge does not hold. */
export class ValidationFailed extends Error {
  readonly type: AcmeErrorType;
  /** Whether another try may find something else. */
  readonly again: boolean;

  constructor(type: AcmeErrorType, detail: string, again: boolean) {
    super(detail);
    this.name = 'ValidationFailed';
    this.type = type;
    this.again = again;
  }
}
