import { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { PkiError } from '../errors.ts';
import type { Csr } from './csr.ts';

/** The attributes of a request that say how a key made for it travels: RFC 7030, section 4.4.1; RFC 8551, section 2.5.2. */
export const KEY_DELIVERY_OID = {
  sharedKeyId: '1.2.840.113549.1.9.16.2.37',
  clientKeyId: '1.2.840.113549.1.9.16.2.54',
  capabilities: '1.2.840.113549.1.9.15',
} as const;

const MAX_CAPABILITIES = 64;

/** How a request wants a key that is made for it to be protected (RFC 7030, section 4.4.1). */
export interface KeyDelivery {
  /** DecryptKeyIdentifier: a symmetric key that both sides know (section 4.4.1.1). */
  readonly sharedKeyId: Uint8Array | undefined;
  /** AsymmetricDecryptKeyIdentifier: a key of the client's own (section 4.4.1.2). */
  readonly clientKeyId: Uint8Array | undefined;
  /** The algorithms that it can open (RFC 8551, section 2.5.2), dotted, in its order; `undefined` where it does not say. */
  readonly capabilities: readonly string[] | undefined;
}

/**
 * Reads the attributes of a request that say how a key made for it travels (RFC 7030, section 4.4.1).
 *
 * @throws PkiError `csr_malformed` or a `der_…` code
 * @example
 * readKeyDelivery(parseCsr(der)).capabilities?.includes('2.16.840.1.101.3.4.1.42')
 */
export function readKeyDelivery({ attributes }: Csr): KeyDelivery {
  const only = (wanted: string): DerReader | undefined => {
    const values = attributes.find(({ type }) => type === wanted)?.values ?? [];
    if (values.length > 1) throw new PkiError('csr_malformed', `attribute ${wanted} with more than one value`);
    return values[0] === undefined ? undefined : new DerReader(values[0]);
  };
  return {
    sharedKeyId: readOctets(only(KEY_DELIVERY_OID.sharedKeyId)),
    clientKeyId: readOctets(only(KEY_DELIVERY_OID.clientKeyId)),
    capabilities: readCapabilities(only(KEY_DELIVERY_OID.capabilities)),
  };
}

function readOctets(reader: DerReader | undefined): Uint8Array | undefined {
  if (reader === undefined) return undefined;
  reader.octetString();
  const octets = reader.content();
  reader.finish();
  if (octets.length === 0) throw new PkiError('csr_malformed', 'an empty key identifier');
  return octets;
}

/** SMIMECapabilities: the parameters of each say details (the octets of a key) that follow from the identifiers we know. */
function readCapabilities(reader: DerReader | undefined): readonly string[] | undefined {
  if (reader === undefined) return undefined;
  const found: string[] = [];
  const outer = reader.enter(TAG.SEQUENCE);
  while (!reader.done) {
    const inner = reader.enter(TAG.SEQUENCE);
    found.push(reader.oidText());
    if (found.length > MAX_CAPABILITIES) throw new PkiError('csr_malformed', 'too many capabilities', reader.from);
    if (!reader.done) reader.anyDer();
    reader.leave(inner);
  }
  reader.leave(outer);
  reader.finish();
  return found;
}
