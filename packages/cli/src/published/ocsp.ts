// What there is to tell of an OCSP response, and whether it is an answer about one certificate.
import { type Certificate, nameToString, parseOcspResponse, PkiError, verifyOcspResponse } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { describe } from '../inspection/describe.ts';
import { type Description, present, time } from '../inspection/facts.ts';

/** How far a responder's clock may be ahead of ours. */
const clockSkewSeconds = 300;

/** What `ocsp` tells. Only `good` has no fault. */
export interface CheckedOcsp {
  readonly description: Description;
  readonly fault: { readonly code: string; readonly detail: string } | undefined;
}

/** Checks a response about `certificate`, whatever its octets are. */
export function checkOcsp(
  der: Uint8Array,
  about: {
    readonly certificate: Certificate;
    readonly issuer: Certificate;
    readonly nonce: Uint8Array | undefined;
    readonly now: number;
  },
): CheckedOcsp {
  const { certificate, issuer, nonce, now } = about;
  const result = verifyOcspResponse(der, {
    certificate,
    issuer,
    time: now,
    crypto: nodeCrypto,
    clockSkewSeconds,
    ...(nonce === undefined ? {} : { nonce, allowMissingNonce: true }),
  });
  const facts = { subject: nameToString(certificate.subject), serial: certificate.serialHex };
  if (result.status === 'unknown') {
    const { code, detail } = result;
    return {
      description: { ...facts, status: 'unknown', reason: code, detail, ...contents(der) },
      fault: { code, detail: `unknown: ${detail}` },
    };
  }
  const { thisUpdate, nextUpdate } = result;
  const dates = present({
    thisUpdate: time(thisUpdate),
    nextUpdate: nextUpdate === undefined ? undefined : time(nextUpdate),
  });
  if (result.status === 'good')
    return { description: { ...facts, status: 'good', ...dates, ...contents(der) }, fault: undefined };
  const revokedAt = time(result.revocationTime);
  const description = present({
    ...facts,
    status: 'revoked',
    revokedAt,
    reason: result.reason,
    ...dates,
    ...contents(der),
  });
  return {
    description,
    fault: { code: 'revoked', detail: `revoked at ${revokedAt} (${result.reason ?? 'no reason given'})` },
  };
}

function contents(der: Uint8Array): Description {
  try {
    const { kind: _, status, ...facts } = describe({ kind: 'ocsp response', response: parseOcspResponse(der) });
    return { response: status, ...facts };
  } catch (error) {
    // What cannot be read is told by the fault.
    if (error instanceof PkiError) return {};
    throw error;
  }
}
