/** Field lines as HTTP/1.1 writes them, to and from the lists of HTTP/2. */
import type { Http2Stream } from 'node:http2';
import { FORWARD, trailerFieldKind } from '../headers/names.ts';
import { isToken } from '../http1/octets.ts';

/** Names in lower case and values in turn. @param lines each ended by CRLF, and well-formed */
export function listOfLines(lines: string): string[] {
  const list: string[] = [];
  let start = 0;
  while (start < lines.length) {
    const end = lines.indexOf('\r\n', start);
    const colon = lines.indexOf(':', start);
    list.push(lines.slice(start, colon).toLowerCase(), lines.slice(colon + 1, end).trim());
    start = end + 2;
  }
  return list;
}

/** The lines of a trailer section that may pass, each ended by CRLF. @param raw names and values in turn */
export function trailerLines(raw: readonly string[]): string {
  let lines = '';
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    const value = raw[index + 1] as string;
    const plain = isToken(name) && /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value);
    if (plain && trailerFieldKind(name) === FORWARD) lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** The same as an object, repeated names as arrays: trailers and informational responses are only taken in this form. */
export function objectOfLines(lines: string): Record<string, string | string[]> {
  const list = listOfLines(lines);
  const object = Object.create(null) as Record<string, string | string[]>;
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = list[index] as string;
    const value = list[index + 1] as string;
    const before = object[name];
    object[name] = before === undefined ? value : [before, value].flat();
  }
  return object;
}

/** Ends a stream with trailers; resets it where HTTP/2 cannot carry them. @param lines each ended by CRLF, or an empty string */
export function sendTrailers(stream: Http2Stream, lines: string): void {
  try {
    stream.sendTrailers(objectOfLines(lines));
  } catch (error) {
    stream.destroy(error as Error);
  }
}
