import type { KeyObject } from 'node:crypto';
import {
  assembleSigned,
  buildCertificate,
  buildTbs,
  nameToString,
  parseCertificate,
  parsePublicKeyInfo,
} from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import { generateKeyPair, nodeSigner } from '@countersign/trust';
import type { KeyKind } from '@countersign/trust';
import { signingCa } from '../adapters/signing-ca.ts';
import { issuingTemplate, rootTemplate } from '../domain/ca-template.ts';
import { sha256Hex } from '../domain/ca.ts';
import { maxPartitions } from '../domain/crl/scopes.ts';
import type { Ca, SigningCa } from '../domain/ca.ts';
import { faultsOf, signTwin } from '../domain/twin.ts';
import type { Random } from '../domain/ports.ts';
import { AuthorityError } from '../errors.ts';

/** A CA that was just made, with the key it is to be kept with. */
export interface MadeCa {
  readonly ca: SigningCa;
  readonly key: KeyObject;
}

/** Refuses to hand out what is not well-formed; it would be a mistake of ours, never of whoever asked. */
function mustBeFaultless(certificate: Certificate, profile: 'root' | 'issuing', issuer: Certificate): void {
  const faults = faultsOf(certificate, profile, issuer);
  if (faults.length > 0) throw new Error(`the ${profile} certificate would not be well-formed: ${faults.join('; ')}`);
}

/** What sets the names of one PKI's CAs apart from another's. */
function mark(random: Random): string {
  return Buffer.from(random(4)).toString('hex');
}

/** Makes a root: P-384, self-signed. */
export async function makeRoot(now: number, random: Random, name: string): Promise<MadeCa> {
  const { privateKey, spki } = await generateKeyPair('p384');
  const template = rootTemplate(now, `${name} Root CA ${mark(random)}`, parsePublicKeyInfo(spki), random(16));
  const certificate = parseCertificate(await buildCertificate(template, nodeSigner(privateKey)));
  mustBeFaultless(certificate, 'root', certificate);
  return { ca: await signingCa({ id: 'root', partitions: 0 }, certificate, privateKey), key: privateKey };
}

/** Makes the issuing CA `issuing-N`, certified by the root; its CRL has so many partitions for as long as it lives. */
export async function makeIssuing(
  now: number,
  random: Random,
  name: string,
  number: number,
  kind: KeyKind,
  root: SigningCa,
  publicHttp: string,
  partitions: number,
): Promise<MadeCa> {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions) {
    throw new AuthorityError('invalid_option', `a CRL has between 1 and ${maxPartitions} partitions`);
  }
  const { privateKey, spki } = await generateKeyPair(kind);
  const commonName = `${name} Issuing CA ${number} ${mark(random)}`;
  const urls = { base: publicHttp };
  const template = issuingTemplate(now, commonName, parsePublicKeyInfo(spki), random(16), root, urls);
  const tbs = buildTbs(template, root.signer.scheme);
  mustBeFaultless(await signTwin(tbs, root), 'issuing', root.certificate);
  const der = assembleSigned(tbs, root.signer.scheme, await root.signer.sign(tbs));
  const facts = { id: `issuing-${number}`, partitions };
  return { ca: await signingCa(facts, parseCertificate(der), privateKey), key: privateKey };
}

/** A CA's certificate for people: what, until when, which. */
export interface CaSummary {
  readonly id: string;
  readonly subject: string;
  /** RFC 3339. */
  readonly notAfter: string;
  readonly fingerprintSha256: string;
}

/** What there is to say of a CA. */
export function caSummary({ id, certificate }: Ca): CaSummary {
  return {
    id,
    subject: nameToString(certificate.subject),
    notAfter: new Date(certificate.notAfter).toISOString(),
    fingerprintSha256: sha256Hex(certificate.der),
  };
}
