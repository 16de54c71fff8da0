import { checkDer } from '../der/reader.ts';
import type { DerReader } from '../der/reader.ts';
import { equalOctets, equalRanges } from '../der/octets.ts';
import { TAG } from '../der/tags.ts';
import { oid, sequence } from '../der/writer.ts';

/** AlgorithmIdentifier (RFC 5280 section 4.1.1.2); `parameters` is the whole encoding of what follows the identifier. */
export interface AlgorithmIdentifier {
  readonly oid: string;
  readonly parameters: Uint8Array | undefined;
  readonly der: Uint8Array;
}

/**
 * The identifiers in everyday use, one object for each, so that reading one costs no allocation. The list is filled by the
 * modules that define them, never by what is read.
 */
const everyday: AlgorithmIdentifier[] = [];

/** Makes an identifier one of those whose object is shared by all readings. */
export function shareAlgorithm(algorithm: AlgorithmIdentifier): AlgorithmIdentifier {
  everyday.push(algorithm);
  return algorithm;
}

/** Reads an AlgorithmIdentifier; what its parameters must be depends on its use. */
export function readAlgorithm(reader: DerReader): AlgorithmIdentifier {
  const start = reader.pos;
  const bytes = reader.bytes;
  reader.expect(TAG.SEQUENCE);
  const end = reader.to;
  for (const candidate of everyday) {
    const { der } = candidate;
    if (equalRanges(der, 0, der.length, bytes, start, end)) {
      reader.pos = end;
      return candidate;
    }
  }
  const outer = reader.enterHere();
  const oid = reader.oidText();
  let parameters: Uint8Array | undefined;
  if (!reader.done) {
    const from = reader.pos;
    reader.any();
    checkDer(bytes, from, reader.to);
    parameters = bytes.slice(from, reader.to);
  }
  reader.leave(outer);
  return { oid, parameters, der: bytes.slice(start, end) };
}

/** An AlgorithmIdentifier of an identifier and the whole encoding of its parameters. */
export function algorithmIdentifier(identifier: string, parameters?: Uint8Array): AlgorithmIdentifier {
  return { oid: identifier, parameters, der: sequence(oid(identifier), parameters) };
}

/** Whether two algorithm identifiers are the same, parameters included. */
export function algorithmEquals(a: AlgorithmIdentifier, b: AlgorithmIdentifier): boolean {
  return a === b || equalOctets(a.der, b.der);
}
