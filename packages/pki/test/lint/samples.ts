import { createHash, generateKeyPairSync } from 'node:crypto';
import * as pki from '../../src/index.ts';
import type { Certificate, Crl, Extension, GeneralName, Name } from '../../src/index.ts';

const { der } = pki;

/** Signatures are not looked at by lint, so these have none. */
const noSignature = new Uint8Array(64);

export const subjectName: Name = pki.buildName([{ type: 'CN', value: 'sample' }]);
export const issuerName: Name = pki.buildName([{ type: 'CN', value: 'Sample Issuing CA' }]);

function newSpki(kind: 'ec' | 'ed25519' | 'rsa' | 'rsa1024' | 'ml-dsa-44'): Uint8Array {
  const pair =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : kind === 'rsa' || kind === 'rsa1024'
        ? generateKeyPairSync('rsa', { modulusLength: kind === 'rsa' ? 2048 : 1024 })
        : kind === 'ed25519'
          ? generateKeyPairSync('ed25519')
          : generateKeyPairSync('ml-dsa-44');
  return new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' }));
}

export const spkis = {
  ec: newSpki('ec'),
  ed25519: newSpki('ed25519'),
  rsa: newSpki('rsa'),
  rsa1024: newSpki('rsa1024'),
  mlDsa: newSpki('ml-dsa-44'),
};

const keyIdOf = (text: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(text).digest().subarray(0, 20));
const subjectKeyId = pki.subjectKeyId(keyIdOf('subject'));
const authorityKeyId = pki.authorityKeyId(keyIdOf('issuer'));
export const crlPoint = pki.crlDistributionPoints(['http://ca.example/crl/issuing-1/0.crl']);
export const issuerPoint = pki.authorityInfoAccess([
  { method: pki.OID.caIssuers, location: { type: 'uri', value: 'http://ca.example/ca/issuing-1.crt' } },
]);

export const clientExtensions: readonly Extension[] = [
  pki.basicConstraints({ ca: false }),
  pki.keyUsage(['digitalSignature']),
  pki.extendedKeyUsage([pki.OID.clientAuth]),
  subjectKeyId,
  authorityKeyId,
  crlPoint,
  issuerPoint,
  pki.subjectAltName([{ type: 'uri', value: 'spiffe://example.org/sample' }]),
  pki.profileName('client'),
];

export const caExtensions: readonly Extension[] = [
  pki.basicConstraints({ ca: true, pathLen: 0 }),
  pki.keyUsage(['keyCertSign', 'cRLSign', 'digitalSignature']),
  pki.subjectKeyId(keyIdOf('issuer')),
  pki.authorityKeyId(keyIdOf('root')),
  crlPoint,
  issuerPoint,
];

/** `extensions` with others of the same identifiers in their place; `undefined` takes one out. */
export function withExtensions(
  extensions: readonly Extension[],
  changes: readonly (Extension | { readonly without: string })[],
): readonly Extension[] {
  const list = [...extensions];
  for (const change of changes) {
    const oid = 'without' in change ? change.without : change.oid;
    const at = list.findIndex((extension) => extension.oid === oid);
    if (at !== -1) list.splice(at, 1, ...('without' in change ? [] : [change]));
    else if (!('without' in change)) list.push(change);
  }
  return list;
}

export interface Sample {
  readonly version?: 1 | 3;
  readonly serial?: string;
  readonly algorithm?: Uint8Array;
  readonly outerAlgorithm?: Uint8Array;
  readonly issuer?: Name;
  readonly subject?: Name;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly spki?: Uint8Array;
  readonly uniqueId?: boolean;
  readonly extensions?: readonly Extension[];
}

export const sampleTime = Date.UTC(2026, 0, 1);
const ecdsa = pki.algorithmIdentifier('1.2.840.10045.4.3.2').der;

/** A faultless client certificate of ours, but for what is asked. */
export function certificate(sample: Sample = {}): Certificate {
  const algorithm = sample.algorithm ?? ecdsa;
  const extensions = sample.version === 1 ? [] : (sample.extensions ?? clientExtensions);
  const tbs = der.sequence(
    sample.version === 1 ? undefined : der.explicit(0, der.integer(2)),
    der.element(0x02, pki.fromHex(sample.serial ?? '5c0102030405060708090a0b0c0d0e0f')),
    algorithm,
    (sample.issuer ?? issuerName).der,
    der.sequence(der.time(sample.notBefore ?? sampleTime), der.time(sample.notAfter ?? sampleTime + 30 * 86_400_000)),
    (sample.subject ?? subjectName).der,
    sample.spki ?? spkis.ec,
    sample.uniqueId === true ? der.implicit(1, der.bitString(Uint8Array.of(1))) : undefined,
    extensions.length === 0 ? undefined : der.explicit(3, der.sequence(...extensions.map(pki.encodeExtension))),
  );
  const whole = der.sequence(tbs, sample.outerAlgorithm ?? algorithm, der.bitString(noSignature));
  return pki.parseCertificate(whole, { allowAlgorithmMismatch: true });
}

/** A client certificate with these names. */
export function named(...names: GeneralName[]): Certificate {
  return certificate({ extensions: withExtensions(clientExtensions, [pki.subjectAltName(names)]) });
}

/** A client certificate with these extensions instead of its own of the same kind. */
export function changed(...changes: (Extension | { readonly without: string })[]): Certificate {
  return certificate({ extensions: withExtensions(clientExtensions, changes) });
}

/** An issuing CA's certificate with these extensions instead of its own of the same kind. */
export function changedCa(...changes: (Extension | { readonly without: string })[]): Certificate {
  return certificate({ subject: issuerName, issuer: subjectName, extensions: withExtensions(caExtensions, changes) });
}

export interface CrlSample {
  readonly version?: 1 | 2;
  readonly algorithm?: Uint8Array;
  readonly issuer?: Name;
  readonly thisUpdate?: number;
  readonly nextUpdate?: number | null;
  readonly entries?: readonly Uint8Array[];
  readonly extensions?: readonly Extension[];
}

export const crlExtensions: readonly Extension[] = [pki.authorityKeyId(keyIdOf('issuer')), pki.crlNumber(7)];

/** A faultless CRL of ours, but for what is asked. */
export function crl(sample: CrlSample = {}): Crl {
  const algorithm = sample.algorithm ?? ecdsa;
  const extensions = sample.version === 1 ? [] : (sample.extensions ?? crlExtensions);
  const entries = sample.entries ?? [crlEntry('5c01')];
  const tbs = der.sequence(
    sample.version === 1 ? undefined : der.integer(1),
    algorithm,
    (sample.issuer ?? issuerName).der,
    der.time(sample.thisUpdate ?? sampleTime),
    sample.nextUpdate === null ? undefined : der.time(sample.nextUpdate ?? sampleTime + 86_400_000),
    entries.length === 0 ? undefined : der.sequence(...entries),
    extensions.length === 0 ? undefined : der.explicit(0, der.sequence(...extensions.map(pki.encodeExtension))),
  );
  return pki.parseCrl(der.sequence(tbs, algorithm, der.bitString(noSignature)));
}

export function crlEntry(serial: string, revocationDate = sampleTime, reason?: number): Uint8Array {
  return der.sequence(
    der.element(0x02, pki.fromHex(serial)),
    der.time(revocationDate),
    reason === undefined
      ? undefined
      : der.sequence(pki.encodeExtension({ oid: pki.OID.crlReason, critical: false, value: der.enumerated(reason) })),
  );
}
