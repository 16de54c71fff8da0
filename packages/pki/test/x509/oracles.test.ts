import assert from 'node:assert/strict';
import { X509Certificate as NodeCertificate } from 'node:crypto';
import { test } from 'node:test';
import 'reflect-metadata';
import { X509Certificate as PeculiarCertificate } from '@peculiar/x509';
import { fromBER } from 'asn1js';
import * as fc from 'fast-check';
import { Certificate as PkijsCertificate } from 'pkijs';
import {
  authorityInfoAccess,
  authorityKeyId,
  basicConstraints,
  buildCertificate,
  buildName,
  certificatePolicies,
  crlDistributionPoints,
  extendedKeyUsage,
  inhibitAnyPolicy,
  KEY_USAGES,
  keyUsage,
  nameConstraints,
  OID,
  parseCertificate,
  policyConstraints,
  policyMappings,
  profileName,
  subjectAltName,
  subjectKeyId,
  tlsFeature,
  toHex,
} from '@countersign/pki';
import type { Certificate, Extension, GeneralName } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';

const pair = await generateKeyPair('p256');
const signer = nodeSigner(pair.privateKey);

const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z]$/);
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const text = fc.stringMatching(/^[A-Za-z0-9 ]{1,20}$/);
const directory = fc
  .array(fc.record({ type: fc.constantFrom('CN', 'O', 'OU', 'DC'), value: text }), { minLength: 1, maxLength: 4 })
  .map(buildName);
const oid = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 6 }).map((arcs) => `1.3.${arcs.join('.')}`);
const uri = host.map((name) => `http://${name}/path`);
const keyId = fc.uint8Array({ minLength: 1, maxLength: 32 });

const generalName: fc.Arbitrary<GeneralName> = fc.oneof(
  host.map((value) => ({ type: 'dns' as const, value })),
  host.map((value) => ({ type: 'email' as const, value: `user@${value}` })),
  uri.map((value) => ({ type: 'uri' as const, value })),
  fc
    .constantFrom(4, 16)
    .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))
    .map((value) => ({ type: 'ip' as const, value })),
  directory.map((value) => ({ type: 'directory' as const, value })),
  oid.map((value) => ({ type: 'registeredId' as const, value })),
);

const names = fc.array(generalName, { minLength: 1, maxLength: 6 });
const number = fc.nat(20);

/** Each known extension with what must be read back. */
const extensions = fc.record(
  {
    basic: fc.oneof(
      fc.constant({ ca: false }),
      fc.record({ ca: fc.constant(true), pathLen: number }, { requiredKeys: ['ca'], noNullPrototype: true }),
    ),
    usage: fc.subarray([...KEY_USAGES], { minLength: 1 }),
    extended: fc.uniqueArray(oid, { minLength: 1, maxLength: 4 }),
    san: names,
    ski: keyId,
    aki: keyId,
    cdp: fc.array(uri, { minLength: 1, maxLength: 3 }),
    aia: fc.array(uri, { minLength: 1, maxLength: 3 }),
    policies: fc.uniqueArray(oid, { minLength: 1, maxLength: 4 }),
    mappings: fc.array(fc.record({ issuerDomainPolicy: oid, subjectDomainPolicy: oid }, { noNullPrototype: true }), {
      minLength: 1,
      maxLength: 3,
    }),
    permitted: fc.array(host, { minLength: 1, maxLength: 3 }),
    explicitPolicy: number,
    inhibit: number,
    features: fc.array(fc.nat(0xffff), { maxLength: 3 }),
    profile: fc.string({ unit: 'binary', maxLength: 10 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const template = fc.record({
  serial: fc.uint8Array({ minLength: 1, maxLength: 19 }).filter((octets) => octets.some((octet) => octet !== 0)),
  subject: directory,
  issuer: directory,
  notBefore: fc.integer({ min: 0, max: 4_000_000_000 }),
  lifetime: fc.integer({ min: 0, max: 4_000_000_000 }),
  wanted: extensions,
});

type Wanted = typeof extensions extends fc.Arbitrary<infer T> ? T : never;

function encode(wanted: Wanted): Extension[] {
  const list: Extension[] = [];
  if (wanted.basic !== undefined) list.push(basicConstraints(wanted.basic));
  if (wanted.usage !== undefined) list.push(keyUsage(wanted.usage));
  if (wanted.extended !== undefined) list.push(extendedKeyUsage(wanted.extended));
  if (wanted.san !== undefined) list.push(subjectAltName(wanted.san));
  if (wanted.ski !== undefined) list.push(subjectKeyId(wanted.ski));
  if (wanted.aki !== undefined) list.push(authorityKeyId(wanted.aki));
  if (wanted.cdp !== undefined) list.push(crlDistributionPoints(wanted.cdp));
  if (wanted.aia !== undefined) {
    list.push(authorityInfoAccess(wanted.aia.map((value) => ({ method: OID.ocsp, location: { type: 'uri', value } }))));
  }
  if (wanted.policies !== undefined) list.push(certificatePolicies(wanted.policies));
  if (wanted.mappings !== undefined) list.push(policyMappings(wanted.mappings));
  if (wanted.permitted !== undefined) {
    list.push(nameConstraints({ permitted: wanted.permitted.map((value) => ({ type: 'dns', value })) }));
  }
  if (wanted.explicitPolicy !== undefined)
    list.push(policyConstraints({ requireExplicitPolicy: wanted.explicitPolicy }));
  if (wanted.inhibit !== undefined) list.push(inhibitAnyPolicy(wanted.inhibit));
  if (wanted.features !== undefined) list.push(tlsFeature(wanted.features));
  if (wanted.profile !== undefined) list.push(profileName(wanted.profile));
  return list;
}

function plain(name: GeneralName): unknown {
  return name.type === 'directory' ? { type: name.type, value: toHex(name.value.der) } : name;
}

function readBack(certificate: Certificate): unknown {
  const found = {
    basic: certificate.basicConstraints,
    usage: certificate.keyUsage?.names,
    extended: certificate.extendedKeyUsage,
    san: certificate.subjectAltName?.map(plain),
    ski: certificate.subjectKeyId,
    aki: certificate.authorityKeyId?.keyId,
    cdp: certificate.crlDistributionPoints?.map(({ name }) => name?.fullName?.[0]?.value),
    aia: certificate.authorityInfoAccess?.map(({ location }) => location.value),
    policies: certificate.certificatePolicies?.map((policy) => policy.oid),
    mappings: certificate.policyMappings,
    permitted: certificate.nameConstraints?.permitted?.map(({ value }) => value),
    explicitPolicy: certificate.policyConstraints?.requireExplicitPolicy,
    inhibit: certificate.inhibitAnyPolicy,
    features: certificate.tlsFeature,
    profile: certificate.profile,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

test('whatever is built says the same when it is read here, by OpenSSL, pkijs and @peculiar/x509', async () => {
  await fc.assert(
    fc.asyncProperty(template, async ({ serial, subject, issuer, notBefore, lifetime, wanted }) => {
      const from = notBefore * 1000;
      const to = from + lifetime * 1000;
      const der = await buildCertificate(
        {
          serialNumber: serial,
          issuer,
          subject,
          notBefore: from,
          notAfter: to,
          spki: pair.spki,
          extensions: encode(wanted),
        },
        signer,
      );
      const certificate = parseCertificate(der);
      assert.deepEqual(readBack(certificate), {
        ...wanted,
        ...(wanted.san === undefined ? {} : { san: wanted.san.map(plain) }),
      });
      assert.deepEqual(certificate.subject.der, subject.der);
      assert.deepEqual([certificate.notBefore, certificate.notAfter], [from, to]);
      assert.deepEqual(certificate.spki.der, pair.spki);

      const node = new NodeCertificate(der);
      assert.equal(BigInt(`0x${node.serialNumber}`), BigInt(`0x${certificate.serialHex}`));
      assert.equal(node.validFromDate.getTime(), from);
      assert.equal(node.validToDate.getTime(), to);
      assert.equal(node.verify(pair.publicKey), true);
      // OpenSSL calls a CA what may also sign certificates.
      const maySign = wanted.usage?.includes('keyCertSign') ?? true;
      assert.equal(node.ca, wanted.basic?.ca === true && maySign);

      const { result, offset } = fromBER(der);
      assert.equal(offset, der.length);
      const pkijs = new PkijsCertificate({ schema: result });
      assert.equal(pkijs.extensions?.length ?? 0, certificate.extensions.length);
      assert.deepEqual(
        pkijs.extensions?.map(({ extnID, critical, extnValue }) => [
          extnID,
          critical,
          toHex(new Uint8Array(extnValue.getValue())),
        ]) ?? [],
        certificate.extensions.map(({ oid: id, critical, value }) => [id, critical, toHex(value)]),
      );
      assert.equal(pkijs.subject.typesAndValues.length, certificate.subject.rdns.length);

      const peculiar = new PeculiarCertificate(new Uint8Array(der));
      assert.equal(BigInt(`0x${peculiar.serialNumber}`), BigInt(`0x${certificate.serialHex}`));
      assert.equal(peculiar.notAfter.getTime(), to);
      assert.deepEqual(
        Array.from(peculiar.extensions, ({ type }) => type),
        certificate.extensions.map(({ oid: id }) => id),
      );
    }),
    { numRuns: 150 },
  );
});
