import type { DerReader } from '../der/reader.ts';
import { oidToText } from '../der/oid.ts';
import { equalOctets } from '../der/octets.ts';
import { TAG } from '../der/tags.ts';
import { oid, sequence } from '../der/writer.ts';

/** AlgorithmIdentifier (RFC 5280 section 4.1.1.2); `parameters` is the whole encoding of what follows the identifier. */
export interface AlgorithmIdentifier {
  readonly oid: string;
  readonly parameters: Uint8Array | undefined;
  readonly der: Uint8Array;
}

/** Every issuer uses a handful of identifiers: equal encodings share one object, so that reading one costs no allocation. */
const known: AlgorithmIdentifier[] = [];
const MAX_KNOWN = 32;
const MAX_KNOWN_OCTETS = 80;

/** Reads an AlgorithmIdentifier; what its parameters must be depends on its use. */
export function readAlgorithm(reader: DerReader): AlgorithmIdentifier {
  const start = reader.pos;
  const bytes = reader.bytes;
  reader.expect(TAG.SEQUENCE);
  const end = reader.to;
  const length = end - start;
  for (const candidate of known) {
    const der = candidate.der;
    if (der.length !== length) continue;
    let i = 0;
    while (i < length && der[i] === bytes[start + i]) i++;
    if (i === length) {
      reader.pos = end;
      return candidate;
    }
  }
  const outer = reader.enterHere();
  reader.oid();
  const text = oidToText(bytes, reader.from, reader.to);
  let parameters: Uint8Array | undefined;
  if (!reader.done) {
    const from = reader.pos;
    reader.any();
    parameters = bytes.slice(from, reader.to);
  }
  reader.leave(outer);
  const algorithm = { oid: text, parameters, der: bytes.slice(start, end) };
  if (known.length < MAX_KNOWN && length <= MAX_KNOWN_OCTETS) known.push(algorithm);
  return algorithm;
}

/** An AlgorithmIdentifier of an identifier and the whole encoding of its parameters. */
export function algorithmIdentifier(identifier: string, parameters?: Uint8Array): AlgorithmIdentifier {
  return { oid: identifier, parameters, der: sequence(oid(identifier), parameters) };
}

export function algorithmEquals(a: AlgorithmIdentifier, b: AlgorithmIdentifier): boolean {
  return a === b || equalOctets(a.der, b.der);
}
