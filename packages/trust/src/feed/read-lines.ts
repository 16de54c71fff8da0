/** One line may be a snapshot of a million revocations. */
const MAX_LINE = 400_000_000;

/**
 * The lines of a stream of UTF-8, without their ends and in any fragmentation; empty ones, and what follows the last end, are dropped.
 *
 * @throws Error for a line that is too long.
 */
export async function* readLines(stream: AsyncIterable<Uint8Array>, onBytes: () => void): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    onBytes();
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end));
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      length = 0;
      from = end + 1;
      if (line.trim() !== '') yield line;
    }
    length += chunk.length - from;
    if (length > MAX_LINE) throw new Error('a line of it is too long');
    if (from < chunk.length) parts.push(chunk.subarray(from));
  }
}
