/** The version of the tables below, kept as SQLite's user_version. */
export const schemaVersion = 1;

/**
 * The tables in SQLite. `strict` refuses a value of another type; the revoked certificates have indexes of their own, so that a CRL,
 * a snapshot or the question whether a key was revoked reads only them.
 */
export const schema = `
create table meta (key text primary key, value text not null) strict, without rowid;
create table cas (id text primary key, key_hash text not null, der blob not null, created_at integer not null) strict;
create table certificates (
  id integer primary key autoincrement,
  issuer text not null,
  serial text not null,
  name text not null,
  profile text not null,
  sans text not null,
  not_before integer not null,
  not_after integer not null,
  lifetime_seconds integer not null,
  issued_at integer not null,
  spki_sha256 text not null,
  fingerprint_sha256 text not null,
  partition integer not null,
  der blob not null,
  revoked_at integer,
  reason text,
  check ((revoked_at is null) = (reason is null))
) strict;
create unique index certificates_serial on certificates (serial, issuer);
create index certificates_name on certificates (name, not_after);
create index certificates_key on certificates (spki_sha256) where revoked_at is not null;
create index certificates_revoked on certificates (issuer, partition, serial) where revoked_at is not null;
create table tokens (
  hash text primary key,
  name text not null,
  profile text not null,
  sans text not null,
  created_at integer not null,
  expires_at integer not null,
  used_at integer,
  serial text,
  revoked_at integer
) strict, without rowid;
create index tokens_name on tokens (name) where used_at is null and revoked_at is null;
create table changes (
  seq integer primary key autoincrement,
  type text not null,
  issuer text,
  serial text,
  reason text,
  revoked_at integer,
  not_after integer,
  generation integer
) strict;
create table crls (
  issuer text not null,
  partition integer not null,
  number integer not null,
  this_update integer not null,
  next_update integer not null,
  entries integer not null,
  der blob not null,
  primary key (issuer, partition)
) strict, without rowid;
create table audit (
  seq integer primary key,
  at integer not null,
  action text not null,
  actor text not null,
  details text not null,
  previous_hash text not null,
  hash text not null
) strict;
`;
