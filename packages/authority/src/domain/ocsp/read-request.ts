import { parseOcspRequest, PkiError } from '@countersign/pki';
import type { OcspRequest } from '@countersign/pki';

/** RFC 6960 sets no bound; whoever watches over more certificates asks several times. */
const maxQuestions = 100;

const nonceOid = '1.3.6.1.5.5.7.48.1.2';

/**
 * A request that can be answered; undefined for every other, which is malformed. A signature on it is not looked at: everybody may ask.
 */
export function readOcspRequest(der: Uint8Array): OcspRequest | undefined {
  try {
    const request = parseOcspRequest(der);
    const extensions = [...request.extensions, ...request.questions.flatMap((question) => question.extensions)];
    // RFC 6960, section 4.4: of the critical ones we know the nonce alone.
    const strange = extensions.some(({ critical, oid }) => critical && oid !== nonceOid);
    return strange || request.questions.length > maxQuestions ? undefined : request;
  } catch (error) {
    if (error instanceof PkiError) return undefined;
    throw error;
  }
}
