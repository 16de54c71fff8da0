import type { KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import { compactVerify, SignJWT } from 'jose';
import type { TokenSeal } from '../domain/tokens.ts';

const tokenType = 'countersign-enroll+jwt';

/** Enrollment tokens as JWT (RFC 7519), signed with ES256 by a key that only the authority has. */
export function jwtTokenSeal(privateKey: KeyObject): TokenSeal {
  const publicKey = createPublicKey(privateKey);
  return {
    seal: (payload) => new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: tokenType }).sign(privateKey),
    isSealed: async (token) => {
      try {
        const { protectedHeader } = await compactVerify(token, publicKey, { algorithms: ['ES256'] });
        return protectedHeader.typ === tokenType;
      } catch {
        return false;
      }
    },
  };
}
