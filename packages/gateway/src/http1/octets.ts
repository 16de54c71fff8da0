/** Octet classes of RFC 9110 section 5.6 and RFC 9112, as tables indexed by the octet. */
function table(accepts: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (accepts(octet) ? 1 : 0));
}

const TOKEN_MARKS = "!#$%&'*+-.^_`|~";

function isAlphanumeric(octet: number): boolean {
  return (octet >= 0x30 && octet <= 0x39) || (octet >= 0x41 && octet <= 0x5a) || (octet >= 0x61 && octet <= 0x7a);
}

/** `tchar`, RFC 9110 section 5.6.2. */
export const TOKEN: Uint8Array = table(
  (octet) => isAlphanumeric(octet) || TOKEN_MARKS.includes(String.fromCodePoint(octet)),
);

/** `field-vchar`, SP and HTAB, RFC 9110 section 5.5: obs-text passes as opaque bytes, controls do not. */
export const FIELD_CONTENT: Uint8Array = table((octet) => octet === 0x09 || (octet >= 0x20 && octet !== 0x7f));

/** Value of a hexadecimal digit, or 255. */
export const HEX_VALUE: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) => {
  const value = Number.parseInt(String.fromCodePoint(octet), 16);
  return Number.isNaN(value) ? 255 : value;
});

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

/** Whether `text` is a `token`. */
export function isToken(text: string): boolean {
  if (text === '') return false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 255 || TOKEN[code] === 0) return false;
  }
  return true;
}
