import { PkiError } from '../errors.ts';
import { BackWriter } from '../der/back-writer.ts';
import { oidFromText } from '../der/oid.ts';
import { TAG } from '../der/tags.ts';
import { oid } from '../der/writer.ts';
import type { GeneralName } from './general-name.ts';

/** Nothing else is written between a reset and its result. */
const writer = new BackWriter();

/** Encodes a GeneralName (RFC 5280 section 4.2.1.6). */
export function encodeGeneralName(name: GeneralName): Uint8Array {
  writer.reset();
  putGeneralName(name);
  return writer.result();
}

/** Encodes GeneralNames under a tag. */
export function encodeGeneralNames(names: readonly GeneralName[], tag: number = TAG.SEQUENCE): Uint8Array {
  if (names.length === 0) throw new PkiError('argument', 'no name at all');
  writer.reset();
  for (let i = names.length - 1; i >= 0; i--) putGeneralName(names[i] as GeneralName);
  writer.close(tag, 0);
  return writer.result();
}

function putGeneralName(name: GeneralName): void {
  const end = writer.length;
  switch (name.type) {
    case 'email':
      writer.putAscii(name.value);
      return writer.close(0x81, end);
    case 'dns':
      writer.putAscii(name.value);
      return writer.close(0x82, end);
    case 'uri':
      writer.putAscii(name.value);
      return writer.close(0x86, end);
    case 'ip':
      writer.put(name.value);
      return writer.close(0x87, end);
    case 'directory':
      writer.put(name.value.der);
      return writer.close(0xa4, end);
    case 'other':
      writer.put(name.value);
      writer.close(0xa0, end);
      writer.put(oid(name.oid));
      return writer.close(0xa0, end);
    case 'registeredId':
      writer.put(oidFromText(name.value));
      return writer.close(0x88, end);
    case 'x400':
      writer.put(name.value);
      return writer.close(0xa3, end);
    case 'ediParty':
      writer.put(name.value);
      return writer.close(0xa5, end);
  }
}
