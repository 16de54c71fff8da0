/** Takes away the lines of fields that a `Connection` field named, RFC 9110 section 7.6.1. @param names in lower case */
export function withoutNamed(fields: string, names: readonly string[]): string {
  return fields
    .split('\r\n')
    .filter((line) => !names.includes(line.slice(0, line.indexOf(':')).toLowerCase()))
    .join('\r\n');
}
