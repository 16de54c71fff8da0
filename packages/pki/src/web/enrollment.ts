import { buildCsr } from '../csr/build-csr.ts';
import type { CsrTemplate } from '../csr/build-csr.ts';
import { buildPkcs12 } from '../pkcs12/build.ts';
import type { BuildPkcs12Options } from '../pkcs12/build.ts';
import { webPasswordCrypto } from './password-crypto.ts';
import { generateWebKeyPair, webSigner } from './signer.ts';
import type { WebKeyKind } from './signer.ts';

/**
 * Makes a key in the browser and a request for a certificate of it. The private key leaves the page only if the page takes it out.
 *
 * @param crypto `globalThis.crypto`
 *
 * @example
 * const { csr, keyPair } = await createWebRequest('p256', { subject: buildName([{ type: 'CN', value: 'demo' }]) }, crypto);
 * const answer = await fetch('/v1/enroll', { method: 'POST', body: pemEncode('CERTIFICATE REQUEST', csr) });
 */
export async function createWebRequest(
  kind: WebKeyKind,
  template: CsrTemplate,
  crypto: Crypto,
): Promise<{ readonly csr: Uint8Array; readonly keyPair: CryptoKeyPair }> {
  const keyPair = await generateWebKeyPair(kind, crypto);
  return { csr: await buildCsr(template, await webSigner(keyPair, crypto)), keyPair };
}

export interface WebPkcs12Contents {
  /** Extractable. */
  readonly privateKey: CryptoKey;
  /** DER, the key's own certificate first. */
  readonly certificates: readonly Uint8Array[];
  readonly friendlyName?: string;
}

/**
 * Puts a WebCrypto key and its certificates into a PKCS#12 file, for the person to keep and to install.
 *
 * @param crypto `globalThis.crypto`
 * @param options the format `legacy` is not to be had in a browser
 * @throws PkiError what `buildPkcs12` throws
 *
 * @example
 * const file = await createWebPkcs12({ privateKey: keyPair.privateKey, certificates, friendlyName: 'demo' }, password, crypto);
 */
export async function createWebPkcs12(
  contents: WebPkcs12Contents,
  password: string,
  crypto: Crypto,
  options?: BuildPkcs12Options,
): Promise<Uint8Array> {
  const { privateKey, ...rest } = contents;
  const key = new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey));
  return buildPkcs12({ ...rest, key }, password, webPasswordCrypto(crypto), options);
}
