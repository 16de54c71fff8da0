import type { DistributionPoint, GeneralName } from '@countersign/pki';

/** More URLs of one kind nobody needs in one certificate or list. */
const MAX_URIS = 8;

/**
 * The names of a distribution point as texts that are the same exactly when the names are (RFC 5280 section 6.3.3 (b)(2)(i)):
 * directory names by their own rules, all others octet by octet.
 */
export function nameKeys(names: readonly GeneralName[]): string[] {
  return names.map((name) => {
    if (name.type === 'directory') return `directory:${name.value.key}`;
    const value = typeof name.value === 'string' ? name.value : Buffer.from(name.value).toString('hex');
    return name.type === 'other' ? `other:${name.oid}:${value}` : `${name.type}:${value}`;
  });
}

/** Where distribution points say that lists can be fetched over HTTP, as they are written. */
export function httpUris(points: readonly DistributionPoint[] = []): string[] {
  const names = points.flatMap(({ name }) => name?.fullName ?? []);
  return names.flatMap((name) => (name.type === 'uri' && isHttp(name.value) ? [name.value] : [])).slice(0, MAX_URIS);
}

/** Whether a URI is one of HTTP. */
export function isHttp(uri: string): boolean {
  return /^https?:\/\//iu.test(uri);
}
