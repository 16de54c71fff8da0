// curl as a client: one request, and what came back.
import { runCommand } from './command.ts';
import type { ClientFiles } from './product.ts';

/** What curl got. `status` is 0 when no HTTP answer came; then `exitCode` and `error` say why. */
export interface CurlResult {
  readonly exitCode: number | null;
  readonly error: string;
  readonly status: number;
  /** `1.1` or `2`. */
  readonly httpVersion: string;
  /** Lower-case names; the last value of a repeated header. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const MARK = '\n--countersign-curl--';

/**
 * Requests `url` with curl, showing `client`'s certificate where one is given.
 *
 * @param args further flags of curl, e.g. `['--http2', '--tls-max', '1.2']`
 * @example const { status } = await curl(`https://localhost:${port}/`, product.client('demo'))
 */
export async function curl(
  url: string,
  client?: Partial<ClientFiles>,
  args: readonly string[] = [],
): Promise<CurlResult> {
  const files = [
    ...(client?.ca === undefined ? [] : ['--cacert', client.ca]),
    ...(client?.cert === undefined ? [] : ['--cert', client.cert]),
    ...(client?.key === undefined ? [] : ['--key', client.key]),
  ];
  const common = ['-q', '-sS', '-i', '--max-time', '20', '-w', `${MARK}%{http_code} %{http_version}`];
  const run = await runCommand('curl', [...common, ...files, ...args, url]);
  const cut = run.stdout.lastIndexOf(MARK);
  const [status = '0', httpVersion = ''] = run.stdout.slice(cut + MARK.length).split(' ');
  const { headers, body } = splitAnswer(cut < 0 ? '' : run.stdout.slice(0, cut));
  return { exitCode: run.code, error: run.stderr.trim(), status: Number(status), httpVersion, headers, body };
}

// `-i` prints each answer's head; a 100 Continue comes before the real one.
function splitAnswer(text: string): { headers: Record<string, string>; body: string } {
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (!rest.startsWith('HTTP/') || end < 0) return { headers: {}, body: rest };
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n');
    rest = rest.slice(end + 4);
    if (/^HTTP\/\S+ 1\d\d/.test(statusLine)) continue;
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    return { headers, body: rest };
  }
}
