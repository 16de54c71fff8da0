import type { AddressRule } from './address-rule.ts';
import { ValidationFailed } from './failure.ts';
import type { NameResolver } from './resolver.ts';

/** What finds out where to connect to, and ports. */
export interface Reach {
  readonly rule: AddressRule;
  readonly resolver: NameResolver;
  readonly ports: { readonly http: number; readonly https: number };
}

/** How many addresses of one name are tried. */
const addressesLimit = 4;

/**
 * Connects to a host: resolves its name once, takes only addresses that the rule allows, and hands each to `connect` as an address, so
 * that no second answer of the DNS can come in between (rebinding). What cannot be connected to gives way to the next.
 */
export async function reach<T>(
  { rule, resolver }: Reach,
  host: string,
  signal: AbortSignal,
  connect: (address: string) => Promise<T>,
): Promise<T> {
  const addresses = await resolver.addresses(host, signal);
  const refusals = addresses.map((address) => ({ address, why: rule(address) }));
  const allowed = refusals.filter(({ why }) => why === undefined).slice(0, addressesLimit);
  const [refused] = refusals;
  if (allowed.length === 0) {
    const detail = `${host}: ${refused?.address ?? 'no address'} ${refused?.why ?? ''}, which is not connected to`;
    throw new ValidationFailed('unauthorized', detail, false);
  }
  let last: unknown;
  for (const { address } of allowed) {
    try {
      return await connect(address);
    } catch (error) {
      if (!(error instanceof ValidationFailed) || error.type !== 'connection') throw error;
      last = error;
    }
  }
  throw last;
}
