import type { CrlEntryTemplate } from '@countersign/pki';

const revokedAt = Date.UTC(2026, 0, 1);

/** Serial numbers of 16 octets as the authority makes them, spread like random ones and the same each time. */
export function serialAt(i: number): string {
  const spread = (Math.imul(i, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0');
  return `5c${spread}${i.toString(16).padStart(8, '0')}a1b2c3d4e5f60`.padEnd(32, '7').slice(0, 32);
}

/** Entries of which a third tells a reason. */
export function crlEntries(count: number): CrlEntryTemplate[] {
  return Array.from({ length: count }, (_, i) => ({
    serialNumber: serialAt(i),
    revocationDate: revokedAt + (i % 86_400) * 1000,
    ...(i % 3 === 0 ? { reason: 'keyCompromise' as const } : {}),
  }));
}
