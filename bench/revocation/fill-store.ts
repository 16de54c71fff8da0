import { DatabaseSync } from 'node:sqlite';
import { dataFolder } from '../../packages/authority/src/adapters/data-folder.ts';
import { schema } from '../../packages/authority/src/adapters/sqlite/schema.ts';

const day = 86_400_000;

/** Certificates that the store is to hold. */
export interface Wanted {
  readonly count: number;
  readonly revoked: boolean;
  /** Their names are this with a number behind. */
  readonly prefix: string;
}

/** Who issued them, as the store knows it. */
export interface StoredIssuer {
  readonly keyHash: string;
  readonly partitions: number;
}

/** The issuing CA of a store. */
export function issuerOfStore(data: string): StoredIssuer {
  using database = new DatabaseSync(dataFolder(data).store, { readOnly: true });
  const row = database.prepare("select key_hash, partitions from cas where id = 'issuing-1'").get();
  return { keyHash: String(row?.['key_hash']), partitions: Number(row?.['partitions']) };
}

/**
 * Puts certificates into the store of an authority that does not run, past everything that issues: only what revocation reads of
 * them is true. Each revoked one counts as a change of its partition and of the full CRL, so both are signed when the authority starts.
 * A million take about a quarter of a minute.
 */
export function fillStore(data: string, { count, revoked, prefix }: Wanted): void {
  const { keyHash, partitions } = issuerOfStore(data);
  // The partition is the serial's last octets by their remainder: with a power of two up to 256 the last octet tells it.
  if (256 % partitions !== 0) throw new Error('the serial numbers are made for a power of two');
  using database = new DatabaseSync(dataFolder(data).store);
  const indexes = [...schema.matchAll(/create (?:unique )?index (?<name>\w+) on certificates [^;]+;/gu)];
  // Thrown away afterwards: it need not outlive a power cut. Indexes are made once, at the end, instead of row by row.
  database.exec('pragma synchronous = off; pragma cache_size = -500000; begin');
  const inBulk = count > 10_000;
  if (inBulk) for (const { groups } of indexes) database.exec(`drop index ${groups?.['name']}`);
  const now = Date.now();
  database
    .prepare(
      `with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n + 1 < :count),
       serials(n, serial) as (select n, '01' || lower(hex(randomblob(14))) || printf('%02x', n % 256) from numbers)
       insert into certificates (issuer, serial, name, profile, sans, not_before, not_after, lifetime_seconds, issued_at,
         spki_sha256, fingerprint_sha256, partition, der, revoked_at, reason)
       select :issuer, serial, :prefix || n, 'client', '[]', :now, :end, 7776000, :now,
         serial, serial, n % 256 % :partitions, x'00', :revokedAt, :reason from serials`,
    )
    .run({
      count,
      prefix,
      partitions,
      issuer: keyHash,
      now,
      end: now + 90 * day,
      revokedAt: revoked ? now : null,
      reason: revoked ? 'superseded' : null,
    });
  if (inBulk) for (const [statement] of indexes) database.exec(statement);
  if (revoked) database.prepare('update crl_scopes set changes = changes + 1 where issuer = ?').run(keyHash);
  database.exec('commit; pragma wal_checkpoint(truncate)');
}

/** The serial numbers of certificates of the store by the beginning of their names. */
export function serialsOfStore(data: string, prefix: string): string[] {
  using database = new DatabaseSync(dataFolder(data).store, { readOnly: true });
  const rows = database.prepare('select serial from certificates where name like ? order by id').all(`${prefix}%`);
  return rows.map(({ serial }) => String(serial));
}
