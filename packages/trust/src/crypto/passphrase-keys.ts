import { randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { pemDecodeOne, readEncryptedPrivateKey, toHex } from '@countersign/pki';
import type { PasswordCrypto, ScryptCost } from '@countersign/pki';
import { decryptPrivateKey, encryptedKeyLabel, encryptPrivateKey } from './encrypted-key.ts';
import type { DecryptedKey } from './encrypted-key.ts';
import { nodePasswordCrypto } from './password-port.ts';

/**
 * Private keys that lie under one passphrase, opened and written with one derivation among them instead of one for each: what is written
 * here shares a salt (that of what was opened here before, else a random one), and has an IV of its own.
 *
 * An attacker who guesses the passphrase of one such file has it for all of them, with or without a salt of their own; so a shared salt
 * takes nothing from anybody, as long as the passphrase is the same. Another passphrase is another of these, with another salt.
 *
 * The derived key is kept until the end of the block that holds this, and overwritten then; what was asked for by then still comes.
 *
 * @example
 * using keys = new PassphraseKeys(passphrase);
 * const [issuing, token] = await Promise.all([keys.open(issuingPem), keys.open(tokenPem)]);
 */
export class PassphraseKeys implements Disposable {
  readonly #passphrase: string;
  readonly #derived = new Map<string, Promise<Uint8Array>>();
  readonly #crypto: PasswordCrypto;
  #salt: Uint8Array | undefined;
  #ended = false;

  /** @param crypto what derives; node:crypto unless a test counts */
  constructor(passphrase: string, crypto: PasswordCrypto = nodePasswordCrypto) {
    const { scrypt } = crypto;
    this.#passphrase = passphrase;
    this.#crypto =
      scrypt === undefined
        ? crypto
        : { ...crypto, scrypt: (...asked) => this.#once(asked, async () => scrypt(...asked)) };
  }

  /**
   * Opens a key in PEM, as {@link decryptPrivateKey} does.
   *
   * @throws PkiError for what is no encrypted PKCS#8 key in PEM, or costs too much
   */
  async open(pem: string): Promise<DecryptedKey> {
    const { scheme } = readEncryptedPrivateKey(pemDecodeOne(pem, encryptedKeyLabel));
    // Whatever wrote it: a short salt is not made common to more files.
    if (scheme.type === 'pbes2' && scheme.kdf.type === 'scrypt' && scheme.kdf.salt.length >= 16) {
      this.#salt ??= scheme.kdf.salt;
    }
    return decryptPrivateKey(pem, this.#passphrase, this.#crypto);
  }

  /** Writes a key as PEM, as {@link encryptPrivateKey} does with scrypt. */
  async seal(key: KeyObject): Promise<string> {
    this.#salt ??= randomBytes(16);
    return encryptPrivateKey(key, this.#passphrase, { kdf: 'scrypt', salt: this.#salt }, this.#crypto);
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    // A derivation under way ends in whoever waits for it, and is overwritten then.
    for (const derived of this.#derived.values()) {
      derived.then(
        (key) => key.fill(0),
        () => undefined,
      );
    }
    this.#derived.clear();
  }

  #once(
    [, salt, { N, r, p }, lengthBytes]: readonly [Uint8Array, Uint8Array, ScryptCost, number],
    derive: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    if (this.#ended) return derive();
    const name = `${toHex(salt)} ${N} ${r} ${p} ${lengthBytes}`;
    const derived = this.#derived.get(name) ?? derive();
    this.#derived.set(name, derived);
    // A copy each: whoever asked overwrites it. (A slice of a Buffer would be a view of the same octets.)
    return derived.then((key) => Uint8Array.from(key));
  }
}
