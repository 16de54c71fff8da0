import { generateKeyPair, nodeSigner, threadedSigner } from '@countersign/trust';
import type { KeyKind } from '@countersign/trust';
import type { ResponderKey } from '../domain/ocsp/responders.ts';
import { kindOf } from './signing-ca.ts';

/** Kinds whose signature takes some 30 microseconds: less than it costs to have another thread make it. */
const quick: ReadonlySet<KeyKind> = new Set(['p256', 'ed25519']);

/** A responder's key: of its issuer's kind, in the memory of this process and nowhere else. */
export const newResponderKey: ResponderKey = async ({ certificate }) => {
  const kind = kindOf(certificate);
  const { privateKey } = await generateKeyPair(kind);
  return quick.has(kind) ? nodeSigner(privateKey) : threadedSigner(privateKey);
};
