/** The path of a request in the one form that rules are matched against and the upstream is sent. */

export type PathResult = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly detail: string };

const PLAIN = /^[A-Za-z0-9\-._~!$&'()*+,=:@/]*$/;
/** Legal in a path as they are, RFC 3986 section 3.3, and `;` that is judged apart. */
const KEPT = /[A-Za-z0-9\-._~!$&'()*+,=:@/;]/;
const UNRESERVED = /[A-Za-z0-9\-._~]/;
/** Not of the grammar, but sent by browsers; one encoded form. */
const ENCODED = new Map([
  ['[', '%5B'],
  [']', '%5D'],
  ['|', '%7C'],
  ['^', '%5E'],
]);

/**
 * Normalises an absolute path (no query): escapes of unreserved characters are decoded, others get upper-case digits.
 * Refused is what two readers may understand differently: empty segments, dot segments (also escaped, also before a `;`),
 * an escaped slash, backslash, percent sign that makes another escape, control characters, escapes that are not two hex digits.
 *
 * @example normalisePath('/a/%7eb/%c3%a4') // { ok: true, path: '/a/~b/%C3%A4' }
 */
export function normalisePath(path: string): PathResult {
  if (!path.startsWith('/')) return refuse('a path that does not begin with a slash');
  let normal = path;
  if (!PLAIN.test(path)) {
    normal = '';
    for (let index = 0; index < path.length; index++) {
      const character = path.charAt(index);
      if (KEPT.test(character)) {
        normal += character;
      } else if (character === '%') {
        const digits = path.slice(index + 1, index + 3);
        if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return refuse('a malformed escape');
        const code = Number.parseInt(digits, 16);
        if (code < 0x20 || code === 0x7f) return refuse('an escaped control character');
        if (code === 0x2f || code === 0x5c) return refuse('an escaped slash or backslash');
        const decoded = String.fromCodePoint(code);
        normal += UNRESERVED.test(decoded) ? decoded : `%${digits.toUpperCase()}`;
        index += 2;
      } else {
        const encoded = ENCODED.get(character);
        if (encoded === undefined) return refuse('a character that a path cannot have');
        normal += encoded;
      }
    }
  }
  if (normal.includes('//')) return refuse('an empty segment');
  if (normal.includes('/.') && normal.split('/').some(isDotSegment)) return refuse('a dot segment');
  return { ok: true, path: normal };
}

/**
 * The path as servers read it that take `;` and what follows for parameters of a segment; undefined where there is no such
 * reading. Rules are matched against both, and must say the same.
 */
export function withoutParameters(path: string): string | undefined {
  if (!path.includes(';') && !path.includes('%3B')) return undefined;
  return path
    .split('/')
    .map((segment) => segment.replace(/(;|%3B).*$/, ''))
    .join('/');
}

function isDotSegment(segment: string): boolean {
  return /^\.\.?($|;|%3B)/.test(segment);
}

function refuse(detail: string): PathResult {
  return { ok: false, detail };
}
