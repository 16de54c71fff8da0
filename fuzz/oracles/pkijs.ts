import { fromBER } from 'asn1js';
import * as pkijs from 'pkijs';
import type { BasicOcspResponse, Certificate, CertsOnly, Crl, Csr } from '@countersign/pki';
import { parseOcspResponseData, toHex } from '@countersign/pki';
import { accepted, Differences, plainBuffer } from './differences.ts';

/** Beyond these asn1js 4 stops on its own. */
const maxEntries = 900;

const hexOf = (buffer: ArrayBuffer): string => Buffer.from(buffer).toString('hex');

/** pkijs reads the same certificate. */
export function compareCertificate(bytes: Uint8Array, ours: Certificate): string | undefined {
  const theirs = accepted(() => pkijs.Certificate.fromBER(plainBuffer(bytes)));
  if (theirs === undefined) return undefined;
  const differences = new Differences();
  differences.same(
    'serialNumber',
    toHex(ours.serialNumber),
    hexOf(theirs.serialNumber.valueBlock.valueHexView.slice().buffer),
  );
  differences.same('notBefore', ours.notBefore, theirs.notBefore.value.getTime());
  differences.same('notAfter', ours.notAfter, theirs.notAfter.value.getTime());
  differences.same(
    'extensions',
    ours.extensions.map(({ oid, critical, value }) => `${oid} ${critical} ${toHex(value)}`),
    (theirs.extensions ?? []).map(
      (e) => `${e.extnID} ${e.critical} ${hexOf(e.extnValue.valueBlock.valueHexView.slice().buffer)}`,
    ),
  );
  differences.same(
    'issuer',
    ours.issuer.rdns.flat().map(({ type }) => type),
    theirs.issuer.typesAndValues.map(({ type }) => type),
  );
  differences.same(
    'subject',
    ours.subject.rdns.flat().map(({ type }) => type),
    theirs.subject.typesAndValues.map(({ type }) => type),
  );
  differences.same('signatureAlgorithm', ours.signatureAlgorithm.oid, theirs.signatureAlgorithm.algorithmId);
  differences.same(
    'the algorithm of the key',
    ours.spki.algorithm.oid,
    theirs.subjectPublicKeyInfo.algorithm.algorithmId,
  );
  return differences.result;
}

/** pkijs reads the same certificate request. */
export function compareCsr(bytes: Uint8Array, ours: Csr): string | undefined {
  const theirs = accepted(() => pkijs.CertificationRequest.fromBER(plainBuffer(bytes)));
  if (theirs === undefined) return undefined;
  const differences = new Differences();
  differences.same(
    'subject',
    ours.subject.rdns.flat().map(({ type }) => type),
    theirs.subject.typesAndValues.map(({ type }) => type),
  );
  differences.same(
    'attributes',
    ours.attributes.map(({ type }) => type),
    (theirs.attributes ?? []).map(({ type }) => type),
  );
  differences.same(
    'the algorithm of the key',
    ours.spki.algorithm.oid,
    theirs.subjectPublicKeyInfo.algorithm.algorithmId,
  );
  return differences.result;
}

/** pkijs reads the same CRL. */
export function compareCrl(bytes: Uint8Array, ours: Crl): string | undefined {
  if (ours.entryCount > maxEntries) return undefined;
  const theirs = accepted(() => pkijs.CertificateRevocationList.fromBER(plainBuffer(bytes)));
  if (theirs === undefined) return undefined;
  const differences = new Differences();
  differences.same('thisUpdate', ours.thisUpdate, theirs.thisUpdate.value.getTime());
  const entries: string[] = [];
  ours.forEachEntry((entry) => {
    entries.push(`${toHex(entry.serialNumber)} ${entry.revocationDate}`);
  });
  // It reads a list without nextUpdate as one without entries.
  if (ours.nextUpdate !== undefined) {
    differences.same('nextUpdate', ours.nextUpdate, theirs.nextUpdate?.value.getTime());
    differences.same(
      'entries',
      entries,
      (theirs.revokedCertificates ?? []).map(
        (one) =>
          `${hexOf(one.userCertificate.valueBlock.valueHexView.slice().buffer)} ${one.revocationDate.value.getTime()}`,
      ),
    );
  }
  return differences.result;
}

/** pkijs reads the same OCSP response. */
export function compareOcspResponse(ours: BasicOcspResponse): string | undefined {
  const data = parseOcspResponseData(ours.tbs);
  const theirs = accepted(() => {
    const { result, offset } = fromBER(plainBuffer(ours.tbs));
    if (offset === -1) throw new Error(result.error);
    return new pkijs.ResponseData({ schema: result });
  });
  if (theirs === undefined) return undefined;
  const differences = new Differences();
  differences.same('producedAt', data.producedAt, theirs.producedAt.getTime());
  differences.same(
    'responses',
    data.responses.map(({ certId, thisUpdate }) => `${toHex(certId.serialNumber)} ${thisUpdate}`),
    theirs.responses.map(
      (one) => `${hexOf(one.certID.serialNumber.valueBlock.valueHexView.slice().buffer)} ${one.thisUpdate.getTime()}`,
    ),
  );
  return differences.result;
}

/** pkijs finds as many certificates in the same message. */
export function compareCertsOnly(bytes: Uint8Array, ours: CertsOnly): string | undefined {
  const theirs = accepted(() => {
    const info = pkijs.ContentInfo.fromBER(plainBuffer(bytes));
    return new pkijs.SignedData({ schema: info.content });
  });
  if (theirs === undefined) return undefined;
  const differences = new Differences();
  differences.same('certificates', ours.certificates.length, (theirs.certificates ?? []).length);
  return differences.result;
}
