// npm run bench -- pki: pki beside node:crypto (OpenSSL), pkijs, @peculiar/x509 and openssl.
import { benchBuildAndSign } from './pki/build-and-sign.ts';
import { benchBuildCrl } from './pki/build-crl.ts';
import { benchParseLeaf } from './pki/parse-leaf.ts';
import { benchReadCrl100k, benchReadCrlMillion } from './pki/read-crl.ts';
import { benchVerifyPath } from './pki/verify-path.ts';
import type { Suite } from './harness/suite.ts';

export const suite: Suite = {
  name: 'pki',
  parts: {
    'parse-leaf': benchParseLeaf,
    'build-and-sign': benchBuildAndSign,
    'verify-path': benchVerifyPath,
    'read-crl': benchReadCrl100k,
    'read-crl-million': benchReadCrlMillion,
    'build-crl': benchBuildCrl,
  },
};
