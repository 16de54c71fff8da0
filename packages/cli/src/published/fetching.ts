// What `crl` and `ocsp` fetch: from a URL that the command line names, or from one that a certificate does.
import { type Certificate, type Crl, type GeneralName, OID } from '@countersign/pki';
import { AddressGuard, guardForConfigured, isDestination } from '@countersign/trust';
import { usage } from '../failure.ts';
import type { FetchFlags } from './fetch-flags.ts';

/** A place to fetch from, and the guard over where it may lead. */
export interface Place {
  readonly url: URL;
  readonly guard: AddressGuard;
}

/** A URL that the command line names: an address in it is meant, a name in it is held to the guard. */
export function namedPlace(text: string, { allow = [] }: FetchFlags): Place | undefined {
  if (!/^https?:\/\//iu.test(text)) return undefined;
  if (!URL.canParse(text)) throw usage(`${text} is not a URL`);
  const url = new URL(text);
  return { url, guard: guardForConfigured(url, { allow: destinations(allow) }) };
}

/** Where a certificate says that its CRLs are: whoever wrote it must not lead us to what only this machine reaches. */
export function crlPlaces(certificate: Certificate, given: FetchFlags): readonly Place[] {
  return places(
    (certificate.crlDistributionPoints ?? []).flatMap(({ name }) => name?.fullName ?? []),
    given,
  );
}

/** Where a CRL says that its deltas are (RFC 5280 section 5.2.6). */
export function deltaPlaces(crl: Crl, given: FetchFlags): readonly Place[] {
  return places(
    (crl.freshestCrl ?? []).flatMap(({ name }) => name?.fullName ?? []),
    given,
  );
}

/** Where a certificate says that its OCSP responders are. */
export function ocspPlaces(certificate: Certificate, given: FetchFlags): readonly Place[] {
  const responders = (certificate.authorityInfoAccess ?? []).filter(({ method }) => method === OID.ocsp);
  return places(
    responders.map(({ location }) => location),
    given,
  );
}

function places(names: readonly GeneralName[], { allow = [] }: FetchFlags): readonly Place[] {
  const guard = new AddressGuard({ allow: destinations(allow) });
  return names.flatMap((name) =>
    name.type === 'uri' && /^https?:\/\//iu.test(name.value) && URL.canParse(name.value)
      ? [{ url: new URL(name.value), guard }]
      : [],
  );
}

function destinations(allow: readonly string[]): readonly string[] {
  const wrong = allow.find((text) => !isDestination(text));
  if (wrong !== undefined) throw usage(`${wrong} is no address, range or host name`);
  return allow;
}
