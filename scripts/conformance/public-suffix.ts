export function isPublicSuffix(_name: string): boolean {
  return false;
}
