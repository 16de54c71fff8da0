import { OID, formatIpAddress } from '@countersign/pki';
import type { Certificate, GeneralName, Name } from '@countersign/pki';
import { nameSet, parseTypedName } from './names.ts';
import type { MalformedName, NameSet, TypedName } from './names.ts';

function typedName(name: GeneralName): TypedName | MalformedName {
  switch (name.type) {
    case 'dns':
    case 'email':
    case 'uri':
      return parseTypedName(name.type, name.value);
    case 'ip':
      return parseTypedName('ip', formatIpAddress(name.value));
    default:
      return { malformed: `a name of type ${name.type}` };
  }
}

/** SubjectAltNames as typed names, or why one of them is none of ours. */
export function typedNames(sans: readonly GeneralName[]): TypedName[] | MalformedName {
  const names: TypedName[] = [];
  for (const san of sans) {
    const name = typedName(san);
    if ('malformed' in name) return name;
    names.push(name);
  }
  return names;
}

/** The common names of a subject; undefined where it holds anything else. */
function commonNames(subject: Name): TypedName[] | MalformedName {
  const names: TypedName[] = [];
  for (const { type, value } of subject.rdns.flat()) {
    if (type !== OID.commonName || value === undefined) return { malformed: `attribute ${type} in the subject` };
    const name = parseTypedName('cn', value);
    if ('malformed' in name) return name;
    names.push(name);
  }
  return names;
}

/**
 * Every name that the octets of a certificate give its holder. What is not one of our types, or not in its normal form, is no name that
 * anybody can have proven, so it is told as malformed.
 */
export function namesOfCertificate(certificate: Certificate): NameSet | MalformedName {
  const subject = commonNames(certificate.subject);
  if ('malformed' in subject) return subject;
  const sans = typedNames(certificate.subjectAltName ?? []);
  if ('malformed' in sans) return sans;
  return nameSet([...subject, ...sans]);
}
