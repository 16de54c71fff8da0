/** Dates as HTTP writes them (RFC 9110, section 5.6.7), of milliseconds since the epoch. The last one is kept: they mostly come again. */
export function httpDates(): (ms: number) => string {
  let last = { second: Number.NaN, text: '' };
  return (ms) => {
    const second = Math.floor(ms / 1000);
    if (last.second !== second) last = { second, text: new Date(second * 1000).toUTCString() };
    return last.text;
  };
}
