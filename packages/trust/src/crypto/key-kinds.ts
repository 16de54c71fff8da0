/** Kinds of keys that can be made. `rsa-pssN` is bound to RSASSA-PSS with SHA-256 (RFC 4055): it makes no other signatures. */
export const KEY_KINDS = [
  'p256',
  'p384',
  'p521',
  'ed25519',
  'rsa2048',
  'rsa3072',
  'rsa4096',
  'rsa-pss2048',
  'rsa-pss3072',
  'rsa-pss4096',
  'ml-dsa-44',
  'ml-dsa-65',
  'ml-dsa-87',
] as const;

export type KeyKind = (typeof KEY_KINDS)[number];
