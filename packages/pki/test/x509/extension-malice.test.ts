import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, OID, parseCertificate, PkiError } from '@countersign/pki';
import { extensionDer, extensionsDer, forge } from './support/forge.ts';

/** Malformed values of known extensions, in hexadecimal. */
const malformed: Readonly<Record<string, readonly [oid: string, ...values: string[]]>> = {
  subjectKeyIdentifier: [OID.subjectKeyIdentifier, '', '0401', '040100ff', '0500', '240304010a'],
  keyUsage: [OID.keyUsage, '', '030100', '03020700', '03020080', '0302078000', '04020780', '0303060040'],
  subjectAltName: [
    OID.subjectAltName,
    '',
    '3000',
    '3002',
    '30038200',
    '3003820180',
    '30038a0161',
    '30028700',

    '3007870501020304 05',
    '300582017a0000',
    '3003 a20161',
    '30020c00',
    '3003880180',
    '3004a40230ff',
    '3003 8403 61',
    '3005 8e03 616263',
  ].map((hex) => hex.replaceAll(' ', '')) as [string, ...string[]],
  issuerAltName: [OID.issuerAltName, '3000', '30058601ff0000'],
  basicConstraints: [
    OID.basicConstraints,
    '',
    '3003010101',
    '30060101ff0201',
    '30060101ff0201ff',
    '30070101ff02020001',
    '30060201000101ff',
    '30090101ff020100020100',
    '30030101ff00',
  ],
  nameConstraints: [
    OID.nameConstraints,
    '3000',
    '3002a000',
    '3002a100',
    '3004a0023000',
    '3009a0073005820161800100',
    '300aa00830068704 01020304'.replace(' ', ''),
    '3009a0073005820161810100',
    '3006a30430028200',
  ],
  crlDistributionPoints: [
    OID.crlDistributionPoints,
    '',
    '3000',
    '30023100',
    '30043002a000',
    '30063004a002a000',
    '300630048102ff01',
    '300530038101ff',
    '30043002a200',
    '30043002a300',
  ],
  freshestCrl: [OID.freshestCrl, '3000'],
  certificatePolicies: [
    OID.certificatePolicies,
    '3000',
    '30023000',
    '300630040602 2a03'.replaceAll(' ', '') + '00',
    '300c300406022a03300406022a03',
    '3008300606022a033000',
  ],
  policyMappings: [OID.policyMappings, '3000', '3006300406022a03', '300e300c06022a0306022a0406022a05'],
  authorityKeyIdentifier: [
    OID.authorityKeyIdentifier,
    '',
    '3002a100',
    '3003820101',
    '3005a1038201 61'.replaceAll(' ', ''),
    '3003a00101',
    '300382020001',
    '3006800101800101',
  ],
  policyConstraints: [OID.policyConstraints, '3000', '30038001ff', '3006810100800100', '3003820100', '300480020001'],
  extendedKeyUsage: [
    OID.extendedKeyUsage,
    '3000',
    '',
    '30020600',
    '30030201 00'.replaceAll(' ', ''),
    '30030601 80'.replaceAll(' ', ''),
  ],
  inhibitAnyPolicy: [OID.inhibitAnyPolicy, '', '0201ff', '02020001', '02010000', '0a0100'],
  subjectDirectoryAttributes: [OID.subjectDirectoryAttributes, '3000', '3006300406022a03', '3008300606022a033100'],
  authorityInfoAccess: [
    OID.authorityInfoAccess,
    '',
    '3000',
    '30023000',
    '3006300406022a03',
    '300a300806022a0382017a00',
  ],
  subjectInfoAccess: [OID.subjectInfoAccess, '3000', '3006300406022a03'],
  tlsFeature: [OID.tlsFeature, '', '300302 01ff'.replaceAll(' ', ''), '30050203010000', '30030a0105'],
  ocspNoCheck: [OID.ocspNoCheck, '', '050100', '0500 00'.replaceAll(' ', ''), '3000'],
  profile: [OID.countersignProfile, '', '0c02c080', '130161', '0c016100'],
};

for (const [name, [oid, ...values]] of Object.entries(malformed)) {
  test(`a malformed ${name} is refused when the certificate is parsed`, () => {
    for (const hex of values) {
      const value = fromHex(hex.length % 2 === 0 ? hex : `${hex}0`);
      assert.throws(
        () => parseCertificate(forge({ extensions: extensionsDer(extensionDer(oid, value)) })),
        PkiError,
        hex,
      );
    }
  });
}
