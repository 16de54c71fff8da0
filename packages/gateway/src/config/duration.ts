/**
 * Durations as people write them: a number of seconds, or a number with its unit.
 *
 * @example
 * ```ts
 * parseDuration('24h'); // 86_400_000
 * parseDuration(15); // 15_000
 * ```
 */
export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration of the configuration; undefined where the text is none. */
export function parseDuration(value: number | string): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? Math.round(value * 1000) : undefined;
  const match = DURATION_PATTERN.exec(value);
  const unit = UNIT_MS[match?.[2] ?? ''];
  return unit === undefined ? undefined : Math.round(Number(match?.[1]) * unit);
}

/** The same for a field of the configuration, of which the schema has let only durations through. */
export function milliseconds(value: number | string | undefined, fallback: number): number {
  return value === undefined ? fallback : (parseDuration(value) ?? fallback);
}
