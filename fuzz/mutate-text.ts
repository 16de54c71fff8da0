import { concat } from './der-tree.ts';
import { mutateBytes } from './mutate-bytes.ts';
import type { Random } from './random.ts';

const pieces = [
  '-----BEGIN CERTIFICATE-----\n',
  '-----END CERTIFICATE-----\n',
  '-----BEGIN -----\n',
  '-----',
  '\r\n',
  '\n\n',
  '\r',
  '\t',
  ' ',
  '=',
  '==',
  '\0',
  'Proc-Type: 4,ENCRYPTED\n',
  '\u00e9',
  '\ufeff',
  '%2F',
  '%00',
  '..',
  '//',
  ':',
  '@',
  '#',
  '?',
  '*',
  '*.',
  'xn--',
  '[::1]',
  'A'.repeat(70),
  'Transfer-Encoding: chunked\r\n',
  'Content-Length: 5\r\n',
  'Connection: close, host\r\n',
  'Expect: 100-continue\r\n',
  '5\r\nhello\r\n',
  '0\r\n\r\n',
  ' HTTP/1.1\r\n',
  '"',
  '{',
  '[',
  ',',
  'null',
  '-1',
  '1e999',
  '\\u0000',
  '"__proto__":',
].map((text) => new TextEncoder().encode(text));

const maxBytes = 64 << 10;

/** A changed copy of a text: whole lines and telling pieces come and go. */
export function mutateText(seed: Uint8Array, random: Random): Uint8Array {
  let bytes = seed;
  const count = 1 + random.below(3);
  for (let i = 0; i < count; i++) bytes = change(bytes, random).subarray(0, maxBytes);
  return bytes;
}

function change(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  switch (random.below(5)) {
    case 0:
      return concat([bytes.subarray(0, at), random.pick(pieces), bytes.subarray(at)]);
    case 1: {
      const next = bytes.indexOf(0x0a, at);
      return next === -1 ? bytes.slice(0, at) : concat([bytes.subarray(0, at), bytes.subarray(next + 1)]);
    }
    case 2: {
      const next = bytes.indexOf(0x0a, at);
      const line = bytes.subarray(at, next === -1 ? bytes.length : next + 1);
      return concat([
        bytes.subarray(0, at),
        ...Array.from({ length: 1 + random.below(40) }, () => line),
        bytes.subarray(at),
      ]);
    }
    default:
      return mutateBytes(bytes, random);
  }
}
