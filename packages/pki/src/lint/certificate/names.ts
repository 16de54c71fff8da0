import { TAG } from '../../der/tags.ts';
import type { AttributeTypeAndValue, Name } from '../../x509/name.ts';
import { ATTRIBUTE_NAMES } from '../../x509/name-text.ts';
import { OID } from '../../x509/oids.ts';
import type { Report } from '../findings.ts';

/** Upper bounds of RFC 5280, appendix A.1, in characters. */
const upperBounds: Readonly<Record<string, number>> = {
  [OID.commonName]: 64,
  [OID.surname]: 32_768,
  [OID.serialNumber]: 64,
  [OID.countryName]: 2,
  [OID.localityName]: 128,
  [OID.stateOrProvinceName]: 128,
  [OID.organizationName]: 64,
  [OID.organizationalUnitName]: 64,
  [OID.title]: 64,
  [OID.givenName]: 32_768,
  [OID.initials]: 32_768,
  [OID.generationQualifier]: 32_768,
  [OID.pseudonym]: 128,
  [OID.emailAddress]: 255,
};

/** Attributes whose syntax is one string type and no choice of several. */
const ownTypes: Readonly<Record<string, number>> = {
  [OID.countryName]: TAG.PRINTABLE_STRING,
  [OID.serialNumber]: TAG.PRINTABLE_STRING,
  [OID.dnQualifier]: TAG.PRINTABLE_STRING,
  [OID.domainComponent]: TAG.IA5_STRING,
  [OID.emailAddress]: TAG.IA5_STRING,
};

const control = /\p{Cc}/u;

/** The attributes of a name (RFC 5280, sections 4.1.2.4 and 4.1.2.6, appendix A.1). */
export function lintName(name: Name, report: Report): void {
  for (const rdn of name.rdns) {
    if (rdn.length > 1) report('rdn_multiple', rdn.map(describe).join('+'));
    for (const attribute of rdn) lintAttribute(attribute, report);
  }
}

function lintAttribute(attribute: AttributeTypeAndValue, report: Report): void {
  const { type, tag, value } = attribute;
  if (value === undefined) {
    if (upperBounds[type] !== undefined) report('attribute_type', describe(attribute));
    return;
  }
  const ownType = ownTypes[type];
  if (ownType !== undefined) {
    if (tag !== ownType) report('attribute_type', describe(attribute));
  } else if (upperBounds[type] !== undefined && tag !== TAG.UTF8_STRING && tag !== TAG.PRINTABLE_STRING) {
    report('attribute_old_string', describe(attribute));
  }
  if (value === '') report('attribute_empty', describe(attribute));
  if (Array.from(value).length > (upperBounds[type] ?? Infinity)) report('attribute_too_long', describe(attribute));
  if (control.test(value)) report('attribute_control', describe(attribute));
  if (type === OID.countryName && !/^[A-Z]{2}$/.test(value)) report('attribute_country', JSON.stringify(value));
  if (type === OID.emailAddress) report('attribute_email', JSON.stringify(value));
}

function describe({ type, value }: AttributeTypeAndValue): string {
  const name = ATTRIBUTE_NAMES[type] ?? type;
  return value === undefined ? name : `${name}=${JSON.stringify(value.slice(0, 80))}`;
}
