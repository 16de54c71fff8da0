import { lookup as lookupByName } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';

import { addressKind, addressOctets, formatAddressOctets, isInRange, parseAddressRange } from './address-kind.ts';
import type { AddressKind, AddressRange } from './address-kind.ts';

/** Resolves a name to all its addresses, as `dns.lookup` does with `all`. */
export type ResolveName = (
  name: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface AddressGuardOptions {
  /**
   * What may be reached although it is not public: addresses, ranges (`10.0.0.0/8`), or names of hosts. A name allows the
   * loopback and private addresses that it has; others (link-local, metadata, multicast …) must be written as addresses.
   */
  readonly allow?: readonly string[] | undefined;
  /** How names are resolved: the system's way by default. */
  readonly resolve?: ResolveName | undefined;
}

/** A connection was refused because of where it would have led. */
export class ForbiddenAddress extends Error {
  readonly host: string;
  readonly address: string;
  readonly kind: AddressKind;

  constructor(host: string, address: string, kind: AddressKind) {
    const words = kind.replaceAll('_', '-');
    super(`${host === address ? address : `${host} (${address})`} is a ${words} address, which is not allowed here`);
    this.name = 'ForbiddenAddress';
    this.host = host;
    this.address = address;
    this.kind = kind;
  }
}

/** What of the addresses that are not public a mere host name can allow. */
const BY_NAME: ReadonlySet<AddressKind> = new Set(['loopback', 'private']);

/**
 * Keeps connections to URLs that others have a say in from reaching what only this machine can reach (SSRF): loopback,
 * private and link-local addresses, the metadata services of clouds, in all their IPv6 disguises.
 *
 * The address that is checked is the one that is connected to: names are resolved by {@link AddressGuard.lookup}, which the
 * socket uses itself, so that no second answer of the DNS can come in between (rebinding). Addresses in the URL itself are
 * never looked up, so {@link AddressGuard.checkHost} comes first; {@link fetchBounded} does both.
 *
 * @example
 * const guard = new AddressGuard({ allow: ['10.1.0.0/16', 'crl.corp.example'] });
 * guard.checkHost(url.hostname);
 * http.request(url, { lookup: guard.lookup, agent: false });
 */
export class AddressGuard {
  readonly #ranges: readonly AddressRange[];
  readonly #names: ReadonlySet<string>;
  readonly #resolve: ResolveName;

  /** @throws RangeError for an entry of `allow` that is neither an address, a range nor a name. */
  constructor({ allow = [], resolve = lookupByName }: AddressGuardOptions = {}) {
    const entries = allow.map((text) => {
      const entry = parseDestination(text);
      if (entry === undefined) throw new RangeError(`${JSON.stringify(text)} is no address, range or host name`);
      return entry;
    });
    this.#ranges = entries.flatMap((entry) => ('range' in entry ? [entry.range] : []));
    this.#names = new Set(entries.flatMap((entry) => ('name' in entry ? [entry.name] : [])));
    this.#resolve = resolve;
  }

  /**
   * Why an address may not be connected to; undefined: it may.
   *
   * @param host the name that led to it.
   */
  refusal(address: string, host: string = address): ForbiddenAddress | undefined {
    const octets = addressOctets(address);
    if (octets === undefined) return new ForbiddenAddress(host, address, 'reserved');
    const kind = addressKind(octets);
    if (kind === 'public' || this.#ranges.some((range) => isInRange(octets, range))) return undefined;
    if (BY_NAME.has(kind) && this.#names.has(normalName(host))) return undefined;
    return new ForbiddenAddress(host, formatAddressOctets(octets), kind);
  }

  /**
   * Checks the host of a URL where it is an address, for which no name is ever resolved.
   *
   * @param host as `URL.hostname` gives it.
   * @throws ForbiddenAddress
   */
  checkHost(host: string): void {
    const bare = host.startsWith('[') ? host.slice(1, -1) : host;
    const refusal = isIP(bare) === 0 ? undefined : this.refusal(bare);
    if (refusal !== undefined) throw refusal;
  }

  /** For the option `lookup` of `net.connect`, `tls.connect` and `http.request`: gives only addresses that are allowed. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    this.#resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const refusals = addresses.map(({ address }) => this.refusal(address, host));
      const allowed = addresses.filter((_, at) => refusals[at] === undefined);
      const [first] = allowed;
      if (first === undefined) {
        callback(refusals.find((refusal) => refusal !== undefined) ?? new Error(`${host} has no address`), []);
      } else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/**
 * The guard for a URL that an operator wrote himself: an address or `localhost` in it is meant. What a *name* in it leads to
 * is in the hands of whoever has that name, so it is held to the same rules as any other.
 *
 * @param allow what else is allowed.
 */
export function guardForConfigured(url: URL, options: AddressGuardOptions = {}): AddressGuard {
  const bare = bareHost(url);
  const meant = isIP(bare) !== 0 || normalName(bare) === 'localhost' ? [bare] : [];
  return new AddressGuard({ ...options, allow: [...(options.allow ?? []), ...meant] });
}

/**
 * The guard for a URL whose author is trusted with it, such as the authority in a certificate of one's own: its host may be a private one.
 */
export function guardForTrusted(url: URL, options: AddressGuardOptions = {}): AddressGuard {
  const host = bareHost(url);
  return new AddressGuard({ ...options, allow: [...(options.allow ?? []), ...(isDestination(host) ? [host] : [])] });
}

/** The host of a URL, an IPv6 address without its brackets. */
function bareHost({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

/** Whether a text can stand in {@link AddressGuardOptions.allow}. */
export function isDestination(text: string): boolean {
  return parseDestination(text) !== undefined;
}

type Destination = { readonly range: AddressRange } | { readonly name: string };

function parseDestination(text: string): Destination | undefined {
  const range = parseAddressRange(text);
  if (range !== undefined) return { range };
  const name = normalName(text);
  const labels = name.split('.');
  const isName = labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/u.test(label));
  // A name whose last label is a number is an IPv4 address in one of its odd forms, or nothing.
  return isName && !/^(?:\d+|0x[0-9a-f]*)$/u.test(labels.at(-1) ?? '') ? { name } : undefined;
}

function normalName(host: string): string {
  return host.toLowerCase().replace(/\.$/u, '');
}
