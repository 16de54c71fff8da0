/** Trailer sections on their way through, RFC 9110 section 6.5. */
import type { SectionScanner } from '../http1/section.ts';
import { FORWARD, trailerFieldKind } from './names.ts';

/** The field lines of a trailer section that may pass, each ended by CRLF: nothing of framing, routing or identity. */
export function trailerFields(section: SectionScanner): string {
  let fields = '';
  for (let index = 0; index < section.count; index++) {
    if (trailerFieldKind(section.name(index)) !== FORWARD) continue;
    fields += section.text.slice(section.lineStart(index), section.lineEnd(index));
  }
  return fields;
}
