/**
 * IP addresses as certificates hold them (RFC 5280, 4.2.1.6 and 4.2.1.10): network-order octets,
 * four for IPv4, sixteen for IPv6; a constraint is the address followed by its mask.
 */

const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;

/**
 * Reads an IPv4 or IPv6 address in text form. Leading zeros in an IPv4 octet, zone identifiers and
 * prefixes are refused, because peers read them differently.
 *
 * @returns 4 or 16 octets, or `undefined` when the text is no address.
 *
 * @example
 * parseIpAddress('127.0.0.1'); // Uint8Array [127, 0, 0, 1]
 */
export function parseIpAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const match = IPV4.exec(text);
  if (match === null) return undefined;
  const octets = match.slice(1).map(Number);
  return octets.every((octet) => octet <= 255) ? Uint8Array.from(octets) : undefined;
}

/**
 * Reads an IPv4 address in the loose forms that some software takes: octets with leading zeros or in hexadecimal. Only
 * for finding such forms, never for using them.
 */
export function parseLooseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0x[0-9a-f]{1,8}|\d{1,10})$/i.test(part))) return undefined;
  const octets = parts.map(Number);
  return octets.every((octet) => octet <= 255) ? Uint8Array.from(octets) : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  // RFC 4291, 2.2: "::" stands for one or more groups of zeros.
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...head, ...Array<number>(missing).fill(0), ...tail]);
}

function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const octets: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (mayEndInIpv4 && index === groups.length - 1 && group.includes('.')) {
      const last = parseIpv4(group);
      if (last === undefined) return undefined;
      octets.push(...last);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      octets.push(value >> 8, value & 0xff);
    }
  }
  return octets;
}

/**
 * Writes an address the way RFC 3986 (IPv4) and RFC 5952 section 4 (IPv6) demand.
 *
 * @example
 * formatIpAddress(Uint8Array.of(127, 0, 0, 1)); // '127.0.0.1'
 */
export function formatIpAddress(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.');
  const groups: number[] = [];
  for (let i = 0; i + 1 < octets.length; i += 2) groups.push(((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0));
  const run = longestZeroRun(groups);
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (run.length < 2) return text(groups);
  return `${text(groups.slice(0, run.start))}::${text(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i += 1) {
    if (i < groups.length && groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}

/** An address range of a name constraint: `address` already masked. */
export interface IpRange {
  readonly address: Uint8Array;
  readonly mask: Uint8Array;
}

/**
 * Reads the octets of an iPAddress constraint (RFC 5280, 4.2.1.10): 8 or 32 of them, the mask
 * contiguous ("in the style of RFC 4632 (CIDR)").
 *
 * @returns `undefined` when it is no such range.
 */
export function parseIpRange(octets: Uint8Array): IpRange | undefined {
  if (octets.length !== 8 && octets.length !== 32) return undefined;
  const half = octets.length / 2;
  const mask = octets.subarray(half);
  if (!isContiguous(mask)) return undefined;
  const address = octets.slice(0, half).map((octet, i) => octet & (mask[i] ?? 0));
  return { address, mask };
}

function isContiguous(mask: Uint8Array): boolean {
  let ended = false;
  for (const octet of mask) {
    if (ended && octet !== 0) return false;
    if (octet !== 0xff) {
      const inverted = ~octet & 0xff;
      if ((inverted & (inverted + 1)) !== 0) return false;
      ended = true;
    }
  }
  return true;
}

/** Whether an address lies in a range of the same family. */
export function ipInRange(address: Uint8Array, range: IpRange): boolean {
  if (address.length !== range.address.length) return false;
  for (let i = 0; i < address.length; i += 1) {
    if (((address[i] ?? 0) & (range.mask[i] ?? 0)) !== range.address[i]) return false;
  }
  return true;
}
