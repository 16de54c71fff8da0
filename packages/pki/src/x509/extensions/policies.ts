import { PkiError } from '../../errors.ts';
import type { DerReader } from '../../der/reader.ts';
import { checkDer } from '../../der/reader.ts';
import { equalRanges } from '../../der/octets.ts';
import { TAG } from '../../der/tags.ts';

/** One certificate policy (RFC 5280 section 4.2.1.4). */
export interface PolicyInformation {
  readonly oid: string;
  /** Qualifiers, each value a whole encoding. */
  readonly qualifiers: readonly { readonly oid: string; readonly value: Uint8Array }[];
}

export function readCertificatePolicies(reader: DerReader, build: boolean): readonly PolicyInformation[] | undefined {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ext_malformed', 'an empty list', reader.pos);
  const list: PolicyInformation[] | undefined = build ? [] : undefined;
  const seen: number[] = [];
  do {
    const inner = reader.enter(TAG.SEQUENCE);
    reader.oid();
    const { from, to } = reader;
    for (let i = 0; i < seen.length; i += 2) {
      if (equalRanges(reader.bytes, from, to, reader.bytes, seen[i] as number, seen[i + 1] as number)) {
        throw new PkiError('ext_malformed', 'the same certificate policy twice', from);
      }
    }
    seen.push(from, to);
    // Comparing each with each is quadratic: no honest certificate comes near this.
    if (seen.length > 2 * MAX_POLICIES) throw new PkiError('ext_malformed', 'too many certificate policies', from);
    const qualifiers = reader.done ? [] : readQualifiers(reader);
    reader.leave(inner);
    list?.push({ oid: reader.oidOf(from, to), qualifiers });
  } while (!reader.done);
  reader.leave(outer);
  return list;
}

const MAX_POLICIES = 512;

function readQualifiers(reader: DerReader): PolicyInformation['qualifiers'] {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ext_malformed', 'an empty list', reader.pos);
  const qualifiers: { oid: string; value: Uint8Array }[] = [];
  while (!reader.done) {
    const inner = reader.enter(TAG.SEQUENCE);
    const oid = reader.oidText();
    const start = reader.pos;
    const value = reader.anyDer();
    checkDer(reader.bytes, start, reader.to);
    reader.leave(inner);
    qualifiers.push({ oid, value });
  }
  reader.leave(outer);
  return qualifiers;
}

/** One pair of PolicyMappings (RFC 5280 section 4.2.1.5). */
export interface PolicyMapping {
  readonly issuerDomainPolicy: string;
  readonly subjectDomainPolicy: string;
}

export function readPolicyMappings(reader: DerReader, build: boolean): readonly PolicyMapping[] | undefined {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ext_malformed', 'an empty list', reader.pos);
  const list: PolicyMapping[] | undefined = build ? [] : undefined;
  do {
    const inner = reader.enter(TAG.SEQUENCE);
    const issuerDomainPolicy = reader.oidText();
    const subjectDomainPolicy = reader.oidText();
    reader.leave(inner);
    list?.push({ issuerDomainPolicy, subjectDomainPolicy });
  } while (!reader.done);
  reader.leave(outer);
  return list;
}

/** PolicyConstraints (RFC 5280 section 4.2.1.11): how many more certificates may follow before each applies. */
export interface PolicyConstraints {
  readonly requireExplicitPolicy?: number;
  readonly inhibitPolicyMapping?: number;
}

export function readPolicyConstraints(reader: DerReader): PolicyConstraints {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('ext_malformed', 'empty policyConstraints', reader.pos);
  const result: { requireExplicitPolicy?: number; inhibitPolicyMapping?: number } = {};
  if (reader.peek() === 0x80) result.requireExplicitPolicy = reader.smallInteger(0x80);
  if (reader.peek() === 0x81) result.inhibitPolicyMapping = reader.smallInteger(0x81);
  reader.leave(outer);
  return result;
}
