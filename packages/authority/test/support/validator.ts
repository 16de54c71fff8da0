import { serveDns } from '@countersign/testkit';
import type { TestDnsServer } from '@countersign/testkit';
import { networkValidator } from '../../src/adapters/acme/validator.ts';
import type { ValidationSettings } from '../../src/adapters/acme/validator.ts';
import type { ChallengeType } from '../../src/domain/acme/records.ts';
import type { ValidationResult } from '../../src/domain/acme/validations.ts';

/** Looks at challenges of the loopback, and asks a name server of its own. */
export interface TestValidator extends AsyncDisposable {
  readonly dns: TestDnsServer;
  look(type: ChallengeType, value: string, signal?: AbortSignal): Promise<ValidationResult>;
  /** The type and the words of what was found. */
  fault(type: ChallengeType, value: string): Promise<string>;
}

export const token = 'the-token';
export const keyAuthorization = 'the-token.the-thumbprint';

export async function testValidator(settings: ValidationSettings = {}): Promise<TestValidator> {
  const dns = await serveDns();
  const validate = networkValidator(
    { allow: ['127.0.0.0/8', '::1'], resolver: [dns.address], timeoutSeconds: 5, ...settings },
    () => [],
  );
  const look = (type: ChallengeType, value: string, signal?: AbortSignal): Promise<ValidationResult> => {
    const identifier = { type: /^[\d.]+$|:/u.test(value) ? ('ip' as const) : ('dns' as const), value };
    return validate({ type, identifier, token, keyAuthorization }, signal ?? new AbortController().signal);
  };
  return {
    dns,
    look,
    fault: async (type, value) => {
      const result = await look(type, value);
      return result.ok ? 'good' : `${result.problem.type}: ${result.problem.detail}`;
    },
    [Symbol.asyncDispose]: () => dns[Symbol.asyncDispose](),
  };
}
