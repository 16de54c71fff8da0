import { getPublicSuffix } from 'tldts';

/**
 * Whether the public registers names directly below this one: the ICANN section of the Public Suffix List, to which CABF BR
 * 3.2.2.6 holds the check ("a CA SHOULD consult the 'ICANN DOMAINS' section only, not the 'PRIVATE DOMAINS' section").
 */
export function isPublicSuffix(name: string): boolean {
  return getPublicSuffix(name, { extractHostname: false }) === name;
}
