let second = -1;
let text = '';

/** An HTTP-date, RFC 9110 section 5.6.7, written once a second. @param now wall clock, milliseconds since the epoch */
export function httpDate(now: number): string {
  const current = Math.floor(now / 1000);
  if (current !== second) {
    second = current;
    text = new Date(now).toUTCString();
  }
  return text;
}
