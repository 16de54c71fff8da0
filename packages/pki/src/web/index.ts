// pki on WebCrypto: key, request and PKCS#12 file are made in the browser, and the key never leaves it. Everything else of pki is
// synchronous and needs no WebCrypto: it is in the main entry, and re-exported here where a page needs it.
export { createWebPkcs12, createWebRequest } from './enrollment.ts';
export type { WebPkcs12Contents } from './enrollment.ts';
export { webPasswordCrypto } from './password-crypto.ts';
export { generateWebKeyPair, WEB_KEY_KINDS, webSigner } from './signer.ts';
export type { WebKeyKind } from './signer.ts';
