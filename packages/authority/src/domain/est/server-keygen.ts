import {
  buildCsr,
  buildEnvelopedData,
  buildKeyPackage,
  buildSignedData,
  CMS_OID,
  contentInfo,
  equalOctets,
  parseCertificate,
  pemDecode,
  pemEncode,
  wipe,
} from '@countersign/pki';
import type { Certificate, EnvelopeCrypto, Signer } from '@countersign/pki';
import type { AuditActor, IssuedCertificate, ProfileName } from '@countersign/protocol';
import { needsApproval, ruleOf } from '../approval/rules.ts';
import { recordAudit } from '../audit.ts';
import { sha256Hex } from '../ca.ts';
import { refuse } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { TokenContext } from '../tokens.ts';
import { enrollByEst } from './enroll.ts';
import type { EstCredential, EstWish } from './enroll.ts';
import { keyRecipient } from './key-recipient.ts';

/** A key that was just made, for somebody else. */
export interface MadeKey {
  readonly signer: Signer;
  /** Its unencrypted PKCS#8, to be wiped by whoever asks. */
  exportPkcs8(): Uint8Array;
}

/** Who answers for the keys that are made: the EST server, by its own certificate. */
export interface KeyGenerator {
  readonly certificate: Certificate;
  /** DER of the CAs above it. */
  readonly chain: readonly Uint8Array[];
  readonly signer: Signer;
}

/** What making keys for clients needs. */
export interface ServerKeygen {
  /** Which kind of key each profile gets that may have one at all. */
  readonly kinds: ReadonlyMap<ProfileName, string>;
  /** Makes a key, off the main thread; undefined while too many are wanted. */
  make(kind: string): Promise<MadeKey | undefined>;
  generator(): KeyGenerator;
  readonly crypto: EnvelopeCrypto;
}

/** A wish for a certificate with a key that is made here. */
export type KeygenWish = Omit<EstWish, 'again' | 'prepare'> & {
  /** The certificate on the connection, whatever else the client brings. */
  readonly shown: Certificate | undefined;
};

/**
 * Server-side key generation (RFC 7030, section 4.4): what `simpleenroll` does, for a key that is made here. The key leaves this function
 * only as CMS EnvelopedData to the certificate on the connection, around SignedData of this server, around the key (section 4.4.2).
 * Everything that can be refused is, before a key is made; the key is enveloped before its certificate is issued, so that nothing can
 * fail in between; and neither form of it is ever stored. Who asks again gets another key and another certificate, and with a token nothing.
 */
export async function generateByEst(
  context: TokenContext,
  keygen: ServerKeygen,
  { shown, ...wish }: KeygenWish,
): Promise<Outcome<{ issued: IssuedCertificate; envelope: Uint8Array }>> {
  let made: { envelope: Uint8Array; kind: string; recipient: Certificate; spki: Uint8Array } | undefined;
  const outcome = await enrollByEst(context, {
    ...wish,
    again: false,
    prepare: async (profile) => {
      const kind = keygen.kinds.get(profile);
      if (kind === undefined) return refuse('forbidden', `no keys are made here for profile ${profile}`);
      if (needsApproval(ruleOf(context.rules, profile), wish.credential.by === 'certificate')) return waits;
      const to = keyRecipient(wish.request.csr, shown);
      if (!to.ok) return to;
      const key = await keygen.make(kind);
      if (key === undefined) return refuse('busy', 'too many keys are being made: try again later');
      const { recipient } = to;
      made = { envelope: await envelop(context, key, recipient, keygen), kind, recipient, spki: key.signer.spki };
      const { subject, requestedExtensions } = wish.request.csr;
      const csr = await buildCsr({ subject, extensions: requestedExtensions.list }, key.signer);
      return { ok: true, csr: pemEncode('CERTIFICATE REQUEST', csr) };
    },
  });
  if (!outcome.ok) return outcome;
  const { issued } = outcome;
  // A token may be bound to a request that waits, or has waited, with another key.
  if (issued === undefined || made === undefined || !isFor(issued, made.spki)) return waits;
  const { serial, name, profile } = issued;
  const details = { serial, name, profile, kind: made.kind, encryptedTo: sha256Hex(made.recipient.der) };
  // Nothing leaves that is not stored: without this record the key is lost, and its certificate is of no use.
  await context.store.write((tx) =>
    recordAudit(tx, context.clock(), 'key.generated', actorOf(wish.credential, name), details),
  );
  return { ok: true, issued, envelope: made.envelope };
}

/** A key is not kept, and so cannot wait. */
const waits = refuse(
  'forbidden',
  'an administrator has to approve this certificate, and no key is made to wait for it',
);

function isFor({ certificate }: IssuedCertificate, spki: Uint8Array): boolean {
  const leaf = pemDecode(certificate).at(0);
  return leaf !== undefined && equalOctets(parseCertificate(leaf.der).spki.der, spki);
}

async function envelop(
  context: TokenContext,
  key: MadeKey,
  recipient: Certificate,
  keygen: ServerKeygen,
): Promise<Uint8Array> {
  const pkcs8 = key.exportPkcs8();
  const content = buildKeyPackage(pkcs8);
  const { certificate, chain, signer } = keygen.generator();
  const { crypto } = keygen;
  const template = { contentType: CMS_OID.keyPackage, content, certificate, chain };
  const signed = await buildSignedData(template, signer, context.crypto);
  try {
    const envelope = await buildEnvelopedData({ contentType: CMS_OID.signedData, content: signed }, recipient, crypto);
    return contentInfo(CMS_OID.envelopedData, envelope);
  } finally {
    wipe(pkcs8, content, signed);
  }
}

function actorOf(credential: EstCredential, name: string): AuditActor {
  switch (credential.by) {
    case 'token':
      return { kind: 'token', name };
    case 'certificate':
      return { kind: 'holder', name, serial: credential.certificate.serial };
    case 'factory':
      return {
        kind: 'factory',
        name: credential.shown.rule.factory,
        serial: credential.shown.certificate.serialHex,
      };
  }
}
