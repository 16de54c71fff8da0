import { formatIpAddress, parseIpAddress } from '@countersign/pki';

/**
 * Where an IP address leads, by IANA's registries of special-purpose addresses (RFC 6890 and those after it). Only `public` ones
 * are what a stranger's URL may lead to; everything that is not known to be global counts as `reserved`.
 */
export type AddressKind =
  | 'public'
  | 'loopback'
  /** RFC 1918, RFC 4193 (unique local), RFC 6598 (shared), and the site-local ones of old. */
  | 'private'
  | 'link_local'
  /** Where clouds answer their machines' questions about secrets, beside the link-local ones. */
  | 'metadata'
  | 'multicast'
  | 'unspecified'
  | 'reserved';

/** A range of addresses: network-order octets, 4 or 16, and how many leading bits count. */
export interface AddressRange {
  readonly octets: Uint8Array;
  readonly bits: number;
}

/**
 * Reads an address or a range in CIDR notation. Bits beyond the prefix must be zero: who writes `10.1.2.3/8` means something
 * else.
 *
 * @returns undefined where the text is neither.
 * @example parseAddressRange('10.0.0.0/8')
 */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [address = '', prefix, ...more] = text.split('/');
  const octets = parseIpAddress(address);
  if (octets === undefined || more.length > 0) return undefined;
  if (prefix === undefined) return { octets, bits: octets.length * 8 };
  if (!/^(?:0|[1-9]\d{0,2})$/u.test(prefix)) return undefined;
  const bits = Number(prefix);
  if (bits > octets.length * 8) return undefined;
  for (let bit = bits; bit < octets.length * 8; bit += 1) {
    if (((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) return undefined;
  }
  return { octets, bits };
}

/** Whether an address lies in a range of its own family. */
export function isInRange(address: Uint8Array, { octets, bits }: AddressRange): boolean {
  if (address.length !== octets.length) return false;
  const whole = bits >> 3;
  for (let at = 0; at < whole; at += 1) if (address[at] !== octets[at]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  const mask = (0xff00 >> rest) & 0xff;
  return ((address[whole] ?? 0) & mask) === (octets[whole] ?? 0);
}

/**
 * The octets of an address as the network will see it: an IPv4 address that is dressed up as IPv6 (`::ffff:10.0.0.1`, RFC 4291
 * section 2.5.5.2) is that IPv4 address.
 *
 * @returns undefined for what is no address; one with a zone (`fe80::1%eth0`) keeps its kind, which the zone does not change.
 */
export function addressOctets(text: string): Uint8Array | undefined {
  const octets = parseIpAddress(text.split('%', 1)[0] ?? '');
  return octets !== undefined && octets.length === 16 && isInRange(octets, MAPPED) ? octets.slice(12) : octets;
}

/**
 * Where an address leads. Forms that carry an IPv4 address within (mapped, compatible, translated, NAT64, 6to4, ISATAP) lead
 * where that one does.
 *
 * @param octets as {@link addressOctets} gives them.
 * @example addressKind(Uint8Array.of(169, 254, 169, 254)) // 'link_local'
 */
export function addressKind(octets: Uint8Array): AddressKind {
  if (octets.length === 4) return firstKind(octets, IPV4) ?? 'public';
  const special = firstKind(octets, IPV6);
  if (special !== undefined) return special;
  for (const { range, at } of CARRIERS) if (isInRange(octets, range)) return addressKind(octets.slice(at, at + 4));
  if (!isInRange(octets, GLOBAL_UNICAST)) return 'reserved';
  // RFC 5214 section 6.1: the interface identifier of an ISATAP address ends in the IPv4 address of the tunnel's other end.
  const isIsatap =
    (octets[8] === 0 || octets[8] === 2) && octets[9] === 0 && octets[10] === 0x5e && octets[11] === 0xfe;
  return isIsatap ? addressKind(octets.slice(12)) : 'public';
}

/** An address in its one normal form, for words. */
export function formatAddressOctets(octets: Uint8Array): string {
  return formatIpAddress(octets);
}

interface KindOfRange {
  readonly kind: AddressKind;
  readonly range: AddressRange;
}

function firstKind(octets: Uint8Array, table: readonly KindOfRange[]): AddressKind | undefined {
  return table.find(({ range }) => isInRange(octets, range))?.kind;
}

function rangeOf(text: string): AddressRange {
  const range = parseAddressRange(text);
  if (range === undefined) throw new RangeError(`${text} is no range of addresses`);
  return range;
}

function table(kinds: Readonly<Partial<Record<AddressKind, readonly string[]>>>): readonly KindOfRange[] {
  return Object.entries(kinds).flatMap(([kind, ranges]) =>
    ranges.map((text) => ({ kind: kind as AddressKind, range: rangeOf(text) })),
  );
}

const MAPPED = rangeOf('::ffff:0:0/96');
const GLOBAL_UNICAST = rangeOf('2000::/3');

const IPV4 = table({
  unspecified: ['0.0.0.0/8'],
  loopback: ['127.0.0.0/8'],
  link_local: ['169.254.0.0/16'],
  // Azure's lies among the public ones; Alibaba's in the shared range and Oracle's among the reserved ones are refused as these.
  metadata: ['168.63.129.16/32', '100.100.100.200/32', '192.0.0.192/32'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'],
  multicast: ['224.0.0.0/4'],
  reserved: [
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '240.0.0.0/4',
  ],
});

const IPV6 = table({
  unspecified: ['::/128'],
  loopback: ['::1/128'],
  link_local: ['fe80::/10'],
  metadata: ['fd00:ec2::254/128', 'fd20:ce::254/128'],
  private: ['fc00::/7', 'fec0::/10'],
  multicast: ['ff00::/8'],
  // Teredo and the other protocol assignments, documentation, and translation prefixes whose meaning is local.
  reserved: ['2001::/23', '2001:db8::/32', '3fff::/20', '64:ff9b:1::/48'],
});

/** Ranges whose addresses carry an IPv4 address, and at which octet. */
const CARRIERS: readonly { readonly range: AddressRange; readonly at: number }[] = [
  { range: MAPPED, at: 12 },
  // IPv4-compatible (RFC 4291 section 2.5.5.1) and IPv4-translated (RFC 2765).
  { range: rangeOf('::/96'), at: 12 },
  { range: rangeOf('::ffff:0:0:0/96'), at: 12 },
  // NAT64 (RFC 6052) and 6to4 (RFC 3056).
  { range: rangeOf('64:ff9b::/96'), at: 12 },
  { range: rangeOf('2002::/16'), at: 2 },
];
