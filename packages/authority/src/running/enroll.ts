import { hash } from 'node:crypto';
import type { Server as SecureServer } from 'node:https';
import { hostname } from 'node:os';
import { pemEncode } from '@countersign/pki';
import type { San } from '@countersign/protocol';
import { networkValidator } from '../adapters/acme/validator.ts';
import type { AcmeContext } from '../domain/acme/context.ts';
import { claimsIn, createNonces } from '../domain/acme/nonces.ts';
import { createRateLimits } from '../domain/acme/rate-limits.ts';
import { Validations } from '../domain/acme/validations.ts';
import type { IssuanceContext } from '../domain/issue.ts';
import { enrollApplication } from '../http/enroll.ts';
import { baseFinder } from '../http/acme/urls.ts';
import type { Application } from '../http/application.ts';
import { openTlsOptions } from '../http/tls-options.ts';
import type { ApiIdentity } from '../http/tls-options.ts';
import type { Metrics } from '../metrics.ts';
import type { AuthorityService } from '../service.ts';
import { readAcmeOptions } from './acme-options.ts';
import type { AcmeOptions } from './acme-options.ts';
import type { Core } from './core.ts';

/** The listener for those who have no certificate yet, before it listens. */
export interface Enrollment {
  readonly application: Application<SecureServer>;
  /** Takes up what the process before has left; later, what nobody attends to, and removes what has had its time. */
  upkeep(first: boolean): Promise<void>;
  close(): Promise<void>;
}

export interface EnrollmentParts {
  readonly core: Core;
  readonly context: IssuanceContext;
  readonly service: AuthorityService;
  readonly metrics: Metrics;
  readonly identity: ApiIdentity;
  readonly options: AcmeOptions;
  /** The names and addresses of the listener's certificate. */
  readonly names: () => readonly San[];
  /** The hosts that the authority listens on. */
  readonly own: () => readonly string[];
}

/** When a challenge is looked at again, after a look that may have come too early. */
const retryDelaysMs = [1000, 3000];

/** Makes the enrollment listener. Throws AuthorityError `invalid_option`. */
export function createEnrollment(parts: EnrollmentParts): Enrollment {
  const { core, service, metrics, options } = parts;
  const { store, clock, random, after, log } = core;
  const { policy, publicUrl } = readAcmeOptions(options);
  const limits = createRateLimits(clock);
  const context: AcmeContext = {
    ...parts.context,
    policy,
    limits,
    nonces: createNonces({
      clock,
      random,
      secret: core.secret('acme nonces'),
      claim: store.shared ? claimsIn(store) : undefined,
    }),
    secrets: core.secrets,
  };
  const validations = new Validations({
    store,
    clock,
    after,
    limits,
    validate: networkValidator(options.validation ?? {}, parts.own),
    retryDelaysMs,
    node: hash('sha256', `${hostname()} ${core.folder.path}`),
    onError: (error) => log.error({ err: error }, 'a validation failed, it is taken up again'),
  });
  const application = enrollApplication(
    openTlsOptions(parts.identity),
    options.enabled === false
      ? undefined
      : {
          context,
          validations,
          baseOf: baseFinder(parts.names),
          publicUrl,
          log,
          revoke: async ({ der }, reason, actor) => {
            const certificate = pemEncode('CERTIFICATE', der);
            const outcome = await service.revoke({ certificate }, { reason }, actor);
            if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
          },
          count: (outcome) => {
            if ('profile' in outcome) metrics.issued(outcome.profile, 'acme');
            else metrics.refused('acme', outcome.refused);
          },
        },
    log,
  );
  return {
    application,
    upkeep: async (first) => {
      // Where other nodes have the store open, what is under way may be theirs.
      await validations.resume(first ? (store.shared ? 'own' : 'everything') : 'ended');
      await store.write((tx) => tx.collectAcme(clock()));
    },
    close: () => validations.close(),
  };
}
