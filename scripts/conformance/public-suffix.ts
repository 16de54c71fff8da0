/** The Public Suffix List, both of its parts: names directly below which the public registers (CABF BR, 3.2.2.6). */

import { getPublicSuffix } from 'tldts';

export function isPublicSuffix(name: string): boolean {
  return getPublicSuffix(name, { allowPrivateDomains: true, extractHostname: false }) === name;
}
