import { createPrivateKey } from 'node:crypto';
import { parseCertificate, pemDecode } from '@countersign/pki';
import { profileNames } from '@countersign/protocol';
import type { ProfileName } from '@countersign/protocol';
import { generateKeyPair, nodeEnvelopeCrypto, nodeSigner } from '@countersign/trust';
import { KEY_KINDS } from '@countersign/trust/key-kinds';
import type { KeyKind } from '@countersign/trust/key-kinds';
import type { KeyGenerator, MadeKey, ServerKeygen } from '../domain/est/server-keygen.ts';
import { AuthorityError } from '../errors.ts';
import type { ApiIdentity } from '../http/tls-options.ts';
import type { EstOptions } from './est.ts';

/** The kinds of keys that profiles take: none that is bound to RSASSA-PSS. */
const kindsOffered = KEY_KINDS.filter((kind) => !kind.startsWith('rsa-pss'));

/** How many keys are made at once, and how many may wait for that: an RSA key costs a processor up to seconds. */
const bounds = { atOnce: 2, waiting: 64 } as const;

/** Which kind of key is made for which profile. Throws AuthorityError `invalid_option`. */
export function keygenKinds({ enabled, serverKeygen = {} }: EstOptions): ReadonlyMap<ProfileName, KeyKind> {
  const kinds = new Map<ProfileName, KeyKind>();
  if (enabled === false) return kinds;
  for (const [name, { key = 'p256' }] of Object.entries(serverKeygen)) {
    const profile = profileNames.find((one) => one === name);
    const kind = kindsOffered.find((one) => one === key);
    if (profile === undefined) throw invalid(name, `it is none of the profiles ${profileNames.join(', ')}`);
    if (kind === undefined) throw invalid(name, `key: ${JSON.stringify(key)} is none of ${kindsOffered.join(', ')}`);
    kinds.set(profile, kind);
  }
  return kinds;
}

function invalid(profile: string, why: string): AuthorityError {
  return new AuthorityError('invalid_option', `est.serverKeygen.${profile}: ${why}`);
}

/** Makes keys for clients of EST; `identity` is what the server shows now. Undefined where no profile has that. */
export function serverKeygen(options: EstOptions, identity: () => ApiIdentity): ServerKeygen | undefined {
  const kinds = keygenKinds(options);
  if (kinds.size === 0) return undefined;
  const turns = new Turns();
  return {
    kinds,
    crypto: nodeEnvelopeCrypto,
    make: (kind) => turns.take(() => make(kind as KeyKind)),
    generator: () => generatorOf(identity()),
  };
}

async function make(kind: KeyKind): Promise<MadeKey> {
  const { privateKey } = await generateKeyPair(kind);
  return {
    signer: nodeSigner(privateKey),
    exportPkcs8: () => privateKey.export({ type: 'pkcs8', format: 'der' }),
  };
}

function generatorOf({ key, chain }: ApiIdentity): KeyGenerator {
  const [leaf = new Uint8Array(), ...above] = pemDecode(chain).map(({ der }) => der);
  return { certificate: parseCertificate(leaf), chain: above, signer: nodeSigner(createPrivateKey(key)) };
}

/** Lets few work at once, some wait for it, and sends the rest away. */
class Turns {
  #working = 0;
  readonly #waiting: (() => void)[] = [];

  async take<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#working >= bounds.atOnce) {
      if (this.#waiting.length >= bounds.waiting) return undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    } else {
      this.#working += 1;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // Whose turn is next takes the place over, so that nobody slips in between.
      if (next === undefined) this.#working -= 1;
      else next();
    }
  }
}
