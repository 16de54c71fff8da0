import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { equalOctets, parseCertificate } from '@countersign/pki';
import type { Certificate } from '@countersign/pki';
import { generateKeyPair, nodeSigner, threadedSigner } from '@countersign/trust';
import type { KeyKind, PassphraseKeys } from '@countersign/trust';
import { caOf } from '../domain/ca.ts';
import type { CaFacts, CaSet, SigningCa } from '../domain/ca.ts';
import type { Store } from '../domain/ports.ts';
import { AuthorityError } from '../errors.ts';
import type { DataFolder } from './data-folder.ts';
import { readKey } from './key-files.ts';

/** A kind of key that signs as a CA's does. An RSA key of 2048 bits makes the same kind of signature as a longer one. */
export function kindOf({ spki }: Certificate): KeyKind {
  const { key } = spki;
  switch (key.type) {
    case 'ec':
      return key.curve === 'P-256' ? 'p256' : key.curve === 'P-384' ? 'p384' : 'p521';
    case 'ed25519':
      return 'ed25519';
    case 'ml-dsa':
      return `ml-dsa-${key.parameterSet}`;
    case 'rsa':
      return key.pss === undefined ? 'rsa2048' : 'rsa-pss2048';
    default:
      throw new AuthorityError('folder_broken', `a CA cannot have a key of type ${key.type}`);
  }
}

/** A CA with its key and a throw-away key of the same kind. Throws `root_key_mismatch` where the key is another's. */
export async function signingCa(facts: CaFacts, certificate: Certificate, key: KeyObject): Promise<SigningCa> {
  const { id } = facts;
  const signer = nodeSigner(key);
  if (!equalOctets(signer.spki, certificate.spki.der)) {
    throw new AuthorityError(
      id === 'root' ? 'root_key_mismatch' : 'folder_broken',
      `the key of ${id} is not its certificate's`,
    );
  }
  const { privateKey } = await generateKeyPair(kindOf(certificate));
  const slow = certificate.spki.key.type === 'rsa';
  const threaded = slow ? threadedSigner(key) : undefined;
  return { ...caOf(facts, certificate), signer, threadedSigner: threaded, twin: nodeSigner(privateKey) };
}

/**
 * Every CA of the store, the keys of the issuing ones that still count opened with the passphrase of `keys`. Another node may have made a CA whose
 * key is not here yet; with none at all there is nothing to sign with: `folder_broken`. What is `opened` already is not opened again.
 */
export async function loadCas(
  folder: DataFolder,
  store: Store,
  keys: PassphraseKeys,
  now: number,
  opened: readonly SigningCa[] = [],
): Promise<CaSet> {
  const { generation } = await store.state();
  const stored = (await store.cas()).map(({ id, der, partitions, revocation }) => ({
    facts: { id, partitions, revoked: revocation !== undefined },
    certificate: parseCertificate(der),
  }));
  const root = stored.find(({ facts }) => facts.id === 'root');
  if (root === undefined) throw new AuthorityError('store_corrupt', 'it holds no root');
  const counting = stored.filter(({ facts, certificate }) => facts.id !== 'root' && certificate.notAfter >= now);
  const here = counting.filter(({ facts }) => existsSync(folder.keyOf(facts.id)));
  const elsewhere = counting
    .filter((one) => !here.includes(one))
    .map(({ facts, certificate }) => caOf(facts, certificate));
  if (here.length === 0 && elsewhere.length > 0) {
    throw new AuthorityError('folder_broken', `there is no key of ${elsewhere.map(({ id }) => id).join(', ')} in it`);
  }
  const issuing = await Promise.all(
    here.map(async ({ facts, certificate }) => {
      const known = opened.find((ca) => ca.id === facts.id && equalOctets(ca.certificate.der, certificate.der));
      if (known !== undefined) return { ...known, revoked: facts.revoked };
      return signingCa(facts, certificate, await readKey(folder.keyOf(facts.id), keys));
    }),
  );
  return { root: caOf(root.facts, root.certificate), issuing, elsewhere, generation };
}
