/** CRLs for tests, signed by real P-256 keys. */

import { sign } from 'node:crypto';
import {
  assembleSigned,
  authorityKeyId,
  buildCrlTbs,
  crlNumber,
  parseCrl,
  type Certificate,
  type Crl,
  type CrlEntryTemplate,
  type CrlReason,
  type Extension,
  type GeneralName,
} from '../../../src/index.ts';
import { NOW, type Forged } from './forge.ts';

export const HOUR = 3_600_000;

export interface CrlShape {
  readonly number?: number;
  readonly entries?: readonly CrlEntryTemplate[];
  /** Beyond the CRL number and the authority key identifier. */
  readonly extensions?: readonly Extension[];
  readonly thisUpdate?: number;
  readonly nextUpdate?: number;
  /** Whose name stands as the issuer; else that of the signer. */
  readonly named?: Certificate;
}

export function forgeCrl(by: Forged, shape: CrlShape = {}): Crl {
  const tbs = buildCrlTbs(
    {
      issuer: (shape.named ?? by.cert).subject,
      thisUpdate: shape.thisUpdate ?? NOW - HOUR,
      nextUpdate: shape.nextUpdate ?? NOW + HOUR,
      entries: shape.entries ?? [],
      extensions: [authorityKeyId(by.key.id), crlNumber(shape.number ?? 1), ...(shape.extensions ?? [])],
    },
    'ecdsa-sha256',
  );
  return parseCrl(assembleSigned(tbs, 'ecdsa-sha256', new Uint8Array(sign('sha256', tbs, by.key.privateKey))));
}

/** An entry for a certificate; with `issuer` as an indirect list has it. */
export function entryFor({ cert }: Forged, reason?: CrlReason, issuer?: Certificate): CrlEntryTemplate {
  const name: GeneralName | undefined = issuer && { type: 'directory', value: issuer.subject };
  return {
    serialNumber: cert.serialHex,
    revocationDate: NOW - 2 * HOUR,
    ...(reason !== undefined && { reason }),
    ...(name !== undefined && { certificateIssuer: [name] }),
  };
}
