/** The parameter sets of SLH-DSA (FIPS 205, section 11) as RFC 9909, section 3, has them in certificates: pure, never pre-hashed. */
export const SLH_DSA_SETS = [
  'sha2-128s',
  'sha2-128f',
  'sha2-192s',
  'sha2-192f',
  'sha2-256s',
  'sha2-256f',
  'shake-128s',
  'shake-128f',
  'shake-192s',
  'shake-192f',
  'shake-256s',
  'shake-256f',
] as const;

export type SlhDsaSet = (typeof SLH_DSA_SETS)[number];

const ARC = '2.16.840.1.101.3.4.3';
/** The first of them; the others follow in this order. */
const FIRST = 20;

/** The object identifier of a parameter set, of keys and signatures alike. */
export function slhDsaOid(set: SlhDsaSet): string {
  return `${ARC}.${FIRST + SLH_DSA_SETS.indexOf(set)}`;
}

/** The parameter set of an object identifier, undefined for any other. */
export const SLH_DSA_BY_OID: ReadonlyMap<string, SlhDsaSet> = new Map(SLH_DSA_SETS.map((set) => [slhDsaOid(set), set]));

/** Octets of a public key: twice the security parameter n (FIPS 205, table 2). */
export function slhDsaKeyOctets(set: SlhDsaSet): number {
  return (2 * Number(/\d{3}/.exec(set)?.[0])) / 8;
}
