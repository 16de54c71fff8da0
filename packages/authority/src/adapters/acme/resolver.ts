import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { systemCode } from '../files.ts';
import { ValidationFailed } from './failure.ts';

/** Asks the DNS for one validation. */
export interface NameResolver {
  /** The addresses of a name, IPv6 first; of an address, itself. */
  addresses(host: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The TXT records of a name, each with its texts joined. */
  texts(name: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** What is looked at of an answer: whoever has a name decides how much is in it. */
const answersLimit = 64;

const words: Readonly<Record<string, string>> = {
  ENODATA: 'has no such record',
  ENOTFOUND: 'does not exist (NXDOMAIN)',
  ETIMEOUT: 'was not answered in time',
  ECANCELLED: 'was not answered in time',
  ESERVFAIL: 'could not be looked up (SERVFAIL)',
  EREFUSED: 'could not be looked up (REFUSED)',
};

function failure(name: string, error: unknown): ValidationFailed {
  const code = systemCode(error) ?? '';
  return new ValidationFailed('dns', `${name} ${words[code] ?? `could not be looked up (${code})`}`, true);
}

/**
 * Asks the servers given, or those of the system. Never the system's own look-up: it reads files that no client's name is in, and its
 * few threads are ones that signing needs.
 */
export function nameResolver(servers: readonly string[] | undefined): NameResolver {
  // What is no server is told now, and not at the first question.
  if (servers !== undefined) new Resolver().setServers(servers);

  async function ask<T>(signal: AbortSignal, question: (resolver: Resolver) => Promise<T>): Promise<T> {
    // One for each question: it can be called off, and its port is nobody else's.
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    if (servers !== undefined) resolver.setServers(servers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      signal.throwIfAborted();
      return await question(resolver);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  return {
    addresses: async (host, signal) => {
      if (isIP(host) !== 0) return [host];
      const [v6, v4] = await Promise.allSettled([
        ask(signal, (resolver) => resolver.resolve6(host)),
        ask(signal, (resolver) => resolver.resolve4(host)),
      ]);
      const found = [v6, v4].flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      if (found.length > 0) return found.slice(0, answersLimit);
      throw failure(host, v4.status === 'rejected' ? v4.reason : undefined);
    },
    texts: async (name, signal) => {
      try {
        const records = await ask(signal, (resolver) => resolver.resolveTxt(name));
        return records.slice(0, answersLimit).map((chunks) => chunks.join(''));
      } catch (error) {
        throw failure(name, error);
      }
    },
  };
}
