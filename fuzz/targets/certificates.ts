import {
  lintCertificate,
  matchEmail,
  matchHost,
  nameToString,
  parseCertificate,
  parseCsr,
  parseName,
  parsePublicKeyInfo,
} from '@countersign/pki';
import type { Certificate, Csr, SubjectPublicKeyInfo } from '@countersign/pki';
import { seedsFor, vectorBlobs } from '../corpus.ts';
import { comparePublicKey, compareCertificate as compareWithNode } from '../oracles/node-crypto.ts';
import { compareCertificate as compareWithPkijs, compareCsr } from '../oracles/pkijs.ts';
import type { FuzzTarget } from '../target.ts';
import { isPkiError } from './expected.ts';

const certificateLabels = ['CERTIFICATE', 'CA CERTIFICATE', 'TRUSTED_CERTIFICATE', 'TRUST_ANCHOR'];

/** Reads every property, because most are decoded when they are first asked for. */
function lookAtAll(value: object): void {
  for (let proto: object | null = value; proto !== null && proto !== Object.prototype;) {
    for (const key of Object.getOwnPropertyNames(proto)) Reflect.get(value, key);
    proto = Object.getPrototypeOf(proto) as object | null;
  }
}

function runCertificate(bytes: Uint8Array): Certificate {
  const certificate = parseCertificate(bytes);
  lookAtAll(certificate);
  nameToString(certificate.subject);
  lintCertificate(certificate, { profile: 'server', issuer: certificate });
  for (const host of ['a.example', '127.0.0.1', '::1', 'xn--a.example', 'example.com.']) matchHost(certificate, host);
  matchEmail(certificate, 'a@b.example');
  return certificate;
}

let comparisons = 0;

function compareCertificate(bytes: Uint8Array, parsed: unknown): string | undefined {
  // pkijs costs thirty times what OpenSSL does.
  const withPkijs = comparisons++ % 16 === 0 ? compareWithPkijs(bytes, parsed as Certificate) : undefined;
  return compareWithNode(bytes, parsed as Certificate) ?? withPkijs;
}

/** The parts of every certificate among the vectors that `take` takes. */
function partsOfCertificates(take: (certificate: Certificate) => Uint8Array): readonly Uint8Array[] {
  const parts = new Map<string, Uint8Array>();
  for (const { bytes } of vectorBlobs()) {
    try {
      const part = take(parseCertificate(bytes));
      parts.set(Buffer.from(part).toString('base64'), part);
    } catch {
      // Not a certificate: there are enough that are.
    }
  }
  return [...parts.values()].slice(0, 300);
}

export const certificateTargets: readonly FuzzTarget[] = [
  {
    name: 'certificate',
    form: 'der',
    seeds: () => seedsFor(certificateLabels, parseCertificate),
    run: runCertificate,
    expected: isPkiError,
    compare: compareCertificate,
  },
  {
    name: 'csr',
    form: 'der',
    seeds: () => seedsFor(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'], parseCsr),
    run: (bytes) => {
      const csr = parseCsr(bytes);
      lookAtAll(csr);
      lookAtAll(csr.requestedExtensions);
      return csr;
    },
    expected: isPkiError,
    compare: (bytes, parsed) => compareCsr(bytes, parsed as Csr),
    compareEvery: 8,
  },
  {
    name: 'name',
    form: 'der',
    seeds: () => partsOfCertificates(({ subject }) => subject.der),
    run: (bytes) => {
      const name = parseName(bytes);
      return [name.key, nameToString(name)];
    },
    expected: isPkiError,
  },
  {
    name: 'public-key',
    form: 'der',
    seeds: () => partsOfCertificates(({ spki }) => spki.der),
    run: parsePublicKeyInfo,
    expected: isPkiError,
    compare: (bytes, parsed) => comparePublicKey(bytes, parsed as SubjectPublicKeyInfo),
  },
];
