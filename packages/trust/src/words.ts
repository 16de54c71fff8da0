/** What went wrong, for a line of the log. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
