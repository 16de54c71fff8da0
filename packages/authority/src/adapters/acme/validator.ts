import type { Validate, ValidationTask } from '../../domain/acme/validations.ts';
import { AuthorityError } from '../../errors.ts';
import { addressRule } from './address-rule.ts';
import { validateDns01 } from './dns-01.ts';
import { ValidationFailed } from './failure.ts';
import { validateHttp01 } from './http-01.ts';
import type { Reach } from './reach.ts';
import { nameResolver } from './resolver.ts';
import { validateTlsAlpn01 } from './tls-alpn-01.ts';

/** How challenges are looked at. */
export interface ValidationSettings {
  /** Addresses and ranges that may be connected to although they are loopback, link-local or the like. */
  readonly allow?: readonly string[] | undefined;
  /** Addresses and ranges that are never connected to. */
  readonly deny?: readonly string[] | undefined;
  /** Instead of 80 and 443. */
  readonly ports?: { readonly http?: number | undefined; readonly https?: number | undefined } | undefined;
  /** DNS servers as `ADDRESS` or `ADDRESS:PORT`. Default: those of the system. */
  readonly resolver?: readonly string[] | undefined;
  /** For one look at one challenge, everything included. Default 10. */
  readonly timeoutSeconds?: number | undefined;
}

/**
 * Looks at challenges over the network.
 *
 * @param own the hosts that the authority itself listens on
 * @throws AuthorityError `invalid_option`
 */
export function networkValidator(settings: ValidationSettings, own: () => readonly string[]): Validate {
  const { ports, resolver: servers, timeoutSeconds = 10 } = settings;
  const where: Reach = {
    rule: addressRule({ allow: settings.allow, deny: settings.deny, own }),
    resolver: checkedResolver(servers),
    ports: { http: ports?.http ?? 80, https: ports?.https ?? 443 },
  };

  function look(task: ValidationTask, signal: AbortSignal): Promise<void> {
    if (task.type === 'http-01') return validateHttp01(where, task, signal);
    return task.type === 'dns-01'
      ? validateDns01(where.resolver, task, signal)
      : validateTlsAlpn01(where, task, signal);
  }

  return async (task, signal) => {
    const overdue = AbortSignal.timeout(timeoutSeconds * 1000);
    try {
      await look(task, AbortSignal.any([signal, overdue]));
      return { ok: true };
    } catch (error) {
      signal.throwIfAborted();
      if (overdue.aborted) {
        const detail = `${task.identifier.value}: it took longer than ${timeoutSeconds} s`;
        return { ok: false, problem: { type: 'connection', detail }, again: true };
      }
      if (!(error instanceof ValidationFailed)) throw error;
      return { ok: false, problem: { type: error.type, detail: error.message }, again: error.again };
    }
  };
}

function checkedResolver(servers: readonly string[] | undefined): Reach['resolver'] {
  try {
    return nameResolver(servers);
  } catch (error) {
    throw new AuthorityError('invalid_option', 'acme.validation.resolver: not ADDRESS or ADDRESS:PORT', {
      cause: error,
    });
  }
}
