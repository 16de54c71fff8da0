import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { SecretSeal } from '../../domain/acme/context.ts';
import type { Random } from '../../domain/ports.ts';

/** A secret for one purpose, the same wherever the token key was opened. */
export function derivedSecret(tokenKey: KeyObject, purpose: string): Buffer {
  const seed = tokenKey.export({ type: 'pkcs8', format: 'der' });
  return Buffer.from(hkdfSync('sha256', seed, '', `countersign ${purpose}`, 32));
}

const ivLength = 12;
const tagLength = 16;

/** Seals short secrets with AES-256-GCM, each bound to what it belongs to. */
export function secretSeal(key: Uint8Array, random: Random): SecretSeal {
  return {
    seal: (secret, boundTo) => {
      const iv = random(ivLength);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(boundTo));
      const sealed = [cipher.update(secret), cipher.final()];
      return Buffer.concat([iv, ...sealed, cipher.getAuthTag()]);
    },
    open: (sealed, boundTo) => {
      if (sealed.length < ivLength + tagLength) return undefined;
      try {
        const opened = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivLength))
          .setAAD(Buffer.from(boundTo))
          .setAuthTag(sealed.subarray(-tagLength));
        return Buffer.concat([opened.update(sealed.subarray(ivLength, -tagLength)), opened.final()]);
      } catch {
        return undefined;
      }
    },
  };
}
