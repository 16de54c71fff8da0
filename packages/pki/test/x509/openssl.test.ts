import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  nameToString,
  parseCertificate,
  parseCrl,
  parseCsr,
  pemDecodeOne,
  toHex,
  verifySignature,
} from '@countersign/pki';
import { without } from '@countersign/testkit';
import { nodeCrypto } from '@countersign/trust';

const skip = without('openssl');
const dir = mkdtempSync(join(tmpdir(), 'pki-openssl-'));
after(() => {
  rmSync(dir, { recursive: true, force: true });
});

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

const CONFIG = `
[req]
distinguished_name = dn
prompt = no
string_mask = default
[dn]
C = DE
O = Exämple, Inc.
CN = openssl made me
[plain]
O = Plain
[v3]
basicConstraints = critical, CA:TRUE, pathlen:3
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always, issuer:always
extendedKeyUsage = clientAuth, 1.2.3.4
subjectAltName = DNS:a.example, IP:192.0.2.1, IP:2001:db8::1, URI:spiffe://a/b, email:a@b.example, RID:1.2.3, dirName:plain, otherName:1.2.3.4;UTF8:hello
issuerAltName = DNS:i.example
nameConstraints = critical, permitted;DNS:example, permitted;IP:192.0.2.0/255.255.255.0, excluded;email:.bad.example
certificatePolicies = 1.2.3.4, @polsect
policyMappings = 1.2.3.4:1.2.3.5
policyConstraints = critical, requireExplicitPolicy:1, inhibitPolicyMapping:2
inhibitAnyPolicy = critical, 4
crlDistributionPoints = crldp
freshestCRL = URI:http://a.example/delta.crl
authorityInfoAccess = OCSP;URI:http://ocsp.example/, caIssuers;URI:http://a.example/ca.crt
tlsfeature = status_request
noCheck = ignored
[polsect]
policyIdentifier = 1.3.5.8
CPS.1 = "http://a.example/cps"
userNotice.1 = @notice
[notice]
explicitText = "explicit"
[crldp]
fullname = URI:http://a.example/a.crl
CRLissuer = dirName:plain
reasons = keyCompromise, CACompromise
[reqext]
subjectAltName = DNS:r.example
[attributes_section]
challengePassword = secret
[ca]
default_ca = this
[this]
database = index.txt
crlnumber = crlnumber
default_md = sha256
crl_extensions = crlext
default_crl_days = 7
[crlext]
authorityKeyIdentifier = keyid
issuingDistributionPoint = critical, @idp
[idp]
fullname = URI:http://a.example/a.crl
onlyuser = TRUE
onlysomereasons = keyCompromise, certificateHold
`;

writeFileSync(join(dir, 'openssl.cnf'), CONFIG);

test('a certificate of the openssl command with every extension is read as openssl meant it', { skip }, () => {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-config',
    'openssl.cnf',
    '-extensions',
    'v3',
    '-utf8',
    '-days',
    '30',
    '-set_serial',
    '0x8001',
  );
  const certificate = parseCertificate(pemDecodeOne(readFileSync(join(dir, 'ca.crt')), 'CERTIFICATE'));
  assert.equal(verifySignature(certificate, certificate.spki, nodeCrypto).ok, true);
  assert.equal(certificate.serialHex, '8001');
  assert.equal(nameToString(certificate.subject), 'CN=openssl made me,O=Exämple\\, Inc.,C=DE');
  const theirs = openssl('x509', '-in', 'ca.crt', '-noout', '-subject', '-nameopt', 'RFC2253,-esc_msb,utf8');
  assert.equal(theirs.trim(), `subject=${nameToString(certificate.subject)}`);

  assert.deepEqual(certificate.basicConstraints, { ca: true, pathLen: 3 });
  assert.deepEqual(certificate.keyUsage?.names, ['keyCertSign', 'cRLSign']);
  assert.deepEqual(certificate.subjectKeyId, nodeCrypto.digest('sha1', certificate.spki.bits));
  assert.deepEqual(certificate.authorityKeyId?.keyId, certificate.subjectKeyId);
  assert.deepEqual(certificate.authorityKeyId?.serialNumber, certificate.serialNumber);
  assert.deepEqual(certificate.extendedKeyUsage, ['1.3.6.1.5.5.7.3.2', '1.2.3.4']);
  assert.deepEqual(
    certificate.subjectAltName?.map((name) => {
      if (name.type === 'directory') return nameToString(name.value);
      if (name.type === 'other') return `${name.oid}=${toHex(name.value)}`;
      return typeof name.value === 'string' ? `${name.type}:${name.value}` : toHex(name.value);
    }),
    [
      'dns:a.example',
      'c0000201',
      '20010db8000000000000000000000001',
      'uri:spiffe://a/b',
      'email:a@b.example',
      'registeredId:1.2.3',
      'O=Plain',
      '1.2.3.4=0c0568656c6c6f',
    ],
  );
  assert.deepEqual(certificate.issuerAltName, [{ type: 'dns', value: 'i.example' }]);
  assert.deepEqual(certificate.nameConstraints, {
    permitted: [
      { type: 'dns', value: 'example' },
      { type: 'ip', value: Uint8Array.of(192, 0, 2, 0, 255, 255, 255, 0) },
    ],
    excluded: [{ type: 'email', value: '.bad.example' }],
  });
  assert.deepEqual(
    certificate.certificatePolicies?.map(({ oid, qualifiers }) => [oid, qualifiers.length]),
    [
      ['1.2.3.4', 0],
      ['1.3.5.8', 2],
    ],
  );
  assert.deepEqual(certificate.policyMappings, [{ issuerDomainPolicy: '1.2.3.4', subjectDomainPolicy: '1.2.3.5' }]);
  assert.deepEqual(certificate.policyConstraints, { requireExplicitPolicy: 1, inhibitPolicyMapping: 2 });
  assert.equal(certificate.inhibitAnyPolicy, 4);
  const [point] = certificate.crlDistributionPoints ?? [];
  assert.deepEqual(point?.name?.fullName, [{ type: 'uri', value: 'http://a.example/a.crl' }]);
  assert.equal(point?.reasons, 0b110);
  assert.equal(point?.crlIssuer?.[0]?.type, 'directory');
  assert.deepEqual(certificate.freshestCrl?.[0]?.name?.fullName, [
    { type: 'uri', value: 'http://a.example/delta.crl' },
  ]);
  assert.deepEqual(
    certificate.authorityInfoAccess?.map(({ method }) => method),
    ['1.3.6.1.5.5.7.48.1', '1.3.6.1.5.5.7.48.2'],
  );
  assert.equal(certificate.mustStaple, true);
  assert.equal(certificate.ocspNoCheck, true);
  assert.deepEqual(certificate.unknownCriticalExtensions, []);
});

test('a request of the openssl command is read, and proves possession', { skip }, () => {
  openssl(
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'r.key',
    '-out',
    'r.csr',
    '-config',
    'openssl.cnf',
    '-reqexts',
    'reqext',
    '-utf8',
  );
  const csr = parseCsr(pemDecodeOne(readFileSync(join(dir, 'r.csr')), 'CERTIFICATE REQUEST'));
  assert.deepEqual(csr.requestedExtensions.subjectAltName, [{ type: 'dns', value: 'r.example' }]);
  assert.equal(verifySignature(csr, csr.spki, nodeCrypto).ok, true);
});

test('a CRL of the openssl command is read, and verifies', { skip }, () => {
  const entry = (status: string, date: string, serial: string): string =>
    ['R', '300101000000Z', `${date},${status}`, serial, 'unknown', '/CN=x'].join('\t');
  writeFileSync(
    join(dir, 'index.txt'),
    `${entry('keyCompromise', '260101000000Z', '01')}\n${entry('holdInstruction,holdInstructionReject', '260102000000Z', '8002')}\n`,
  );
  writeFileSync(join(dir, 'crlnumber'), '1000\n');
  openssl('ca', '-gencrl', '-config', 'openssl.cnf', '-cert', 'ca.crt', '-keyfile', 'ca.key', '-out', 'a.crl');
  const crl = parseCrl(pemDecodeOne(readFileSync(join(dir, 'a.crl')), 'X509 CRL'));
  const issuer = parseCertificate(pemDecodeOne(readFileSync(join(dir, 'ca.crt')), 'CERTIFICATE'));
  assert.equal(verifySignature(crl, issuer.spki, nodeCrypto).ok, true);
  assert.equal(crl.crlNumber, 0x1000n);
  assert.equal(crl.issuingDistributionPoint?.onlyContainsUserCerts, true);
  assert.equal(crl.issuingDistributionPoint?.onlySomeReasons, (1 << 1) | (1 << 6));
  assert.equal(crl.lookup(Uint8Array.of(1))?.reason, 'keyCompromise');
  assert.equal(crl.lookup(Uint8Array.of(0, 0x80, 2))?.reason, 'certificateHold');
  assert.equal(crl.lookup(Uint8Array.of(0, 0x80, 2))?.revocationDate, Date.UTC(2026, 0, 2));
});
