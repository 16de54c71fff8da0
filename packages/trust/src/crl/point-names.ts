import type { GeneralName } from '@countersign/pki';

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
