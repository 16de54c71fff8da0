import { PkiError } from '../errors.ts';
import type { DerReader } from '../der/reader.ts';
import { TAG } from '../der/tags.ts';
import { boolean, implicit, namedBits, sequence } from '../der/writer.ts';
import { encodeDistributionPointName } from '../x509/build-extensions.ts';
import { readDistributionPointName, readReasonFlags } from '../x509/extensions/distribution-points.ts';
import type { DistributionPointName } from '../x509/extensions/distribution-points.ts';
import type { Extension } from '../x509/extensions/extension.ts';
import { OID } from '../x509/oids.ts';

/** IssuingDistributionPoint (RFC 5280 section 5.2.5): what a CRL covers. */
export interface IssuingDistributionPoint {
  readonly name?: DistributionPointName;
  readonly onlyContainsUserCerts: boolean;
  readonly onlyContainsCaCerts: boolean;
  readonly onlyContainsAttributeCerts: boolean;
  /** ReasonFlags as a mask; absent: all reasons. */
  readonly onlySomeReasons?: number;
  readonly indirectCrl: boolean;
}

export function readIssuingDistributionPoint(reader: DerReader): IssuingDistributionPoint {
  const outer = reader.enter(TAG.SEQUENCE);
  if (reader.done) throw new PkiError('crl_malformed', 'empty issuingDistributionPoint', reader.pos);
  const name = reader.peek() === 0xa0 ? readDistributionPointName(reader, true) : undefined;
  const onlyContainsUserCerts = reader.booleanDefaultFalse(0x81);
  const onlyContainsCaCerts = reader.booleanDefaultFalse(0x82);
  const onlySomeReasons = reader.peek() === 0x83 ? readReasonFlags(reader, 0x83) : undefined;
  const indirectCrl = reader.booleanDefaultFalse(0x84);
  const onlyContainsAttributeCerts = reader.booleanDefaultFalse(0x85);
  reader.leave(outer);
  const kinds = [onlyContainsUserCerts, onlyContainsCaCerts, onlyContainsAttributeCerts].filter(Boolean);
  if (kinds.length > 1) throw new PkiError('crl_malformed', 'a CRL cannot be limited to two kinds of certificates');
  return {
    ...(name === undefined ? {} : { name }),
    onlyContainsUserCerts,
    onlyContainsCaCerts,
    onlyContainsAttributeCerts,
    ...(onlySomeReasons === undefined ? {} : { onlySomeReasons }),
    indirectCrl,
  };
}

/** IssuingDistributionPoint (RFC 5280 section 5.2.5), critical. */
export function issuingDistributionPoint(value: Partial<IssuingDistributionPoint>): Extension {
  const flag = (n: number, set: boolean | undefined): Uint8Array | undefined =>
    set === true ? implicit(n, boolean(true)) : undefined;
  const encoded = sequence(
    value.name === undefined ? undefined : encodeDistributionPointName(value.name),
    flag(1, value.onlyContainsUserCerts),
    flag(2, value.onlyContainsCaCerts),
    value.onlySomeReasons === undefined ? undefined : namedBits(value.onlySomeReasons, 0x83),
    flag(4, value.indirectCrl),
    flag(5, value.onlyContainsAttributeCerts),
  );
  if (encoded.length === 2) throw new PkiError('argument', 'an empty issuingDistributionPoint');
  return { oid: OID.issuingDistributionPoint, critical: true, value: encoded };
}
