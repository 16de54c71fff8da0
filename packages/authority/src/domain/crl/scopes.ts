import type { CrlScope } from '../ports.ts';

/** How many partitions an issuing CA's CRL has unless something else is said when the CA is made. */
export const defaultPartitions = 128;
export const maxPartitions = 4096;

/** In which partition of its issuer's CRL a certificate is: by its serial number, which nobody can choose. */
export function partitionOf(serialNumber: Uint8Array, partitions: number): number {
  // The last six octets: far more values than there are partitions, so that all get as many.
  let value = 0;
  for (const octet of serialNumber.subarray(-6)) value = value * 256 + octet;
  return value % partitions;
}

/** The path of a CRL below a base. */
export function crlPath(caId: string, scope: CrlScope): string {
  return scope === 'full' ? `/crl/${caId}.crl` : `/crl/${caId}/${scope}.crl`;
}

/** What a path names: `/crl/root.crl`, `/crl/issuing-1.crl`, `/crl/issuing-1/delta.crl`, `/crl/issuing-1/7.crl`. */
export function crlOfPath(path: string): { readonly caId: string; readonly scope: CrlScope } | undefined {
  const { id, scope } =
    /^\/crl\/(?<id>root|issuing-\d{1,6})(?:\/(?<scope>delta|0|[1-9]\d{0,3}))?\.crl$/u.exec(path)?.groups ?? {};
  if (id === undefined) return undefined;
  if (scope === undefined) return { caId: id, scope: 'full' };
  return { caId: id, scope: scope === 'delta' ? 'delta' : Number(scope) };
}

/** Every scope of an issuing CA's CRLs that is made on its own. */
export function scopesOf({ partitions }: { readonly partitions: number }): (number | 'full')[] {
  return ['full', ...Array.from({ length: partitions }, (_, partition) => partition)];
}
