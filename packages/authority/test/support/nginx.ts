import { writeFileSync } from 'node:fs';
import type { TemporaryFolder } from '@countersign/testkit';
import type { IssuedFiles } from './interop.ts';

/** Writes a configuration for an nginx in the foreground whose one TLS server answers `let in`; `lines` are added to the server. */
export function nginxConfig(
  folder: TemporaryFolder,
  { port, server, lines }: { readonly port: number; readonly server: IssuedFiles; readonly lines: readonly string[] },
): string {
  const conf = folder.in(`nginx-${port}.conf`);
  const tlsServer = `server { listen 127.0.0.1:${port} ssl; server_name localhost;
    ssl_certificate ${server.chain}; ssl_certificate_key ${server.key};
    ${lines.join('\n')}
    location / { return 200 "let in\\n"; } }`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder.in(`nginx-${port}-${kind}`)};`,
  );
  writeFileSync(
    conf,
    `daemon off; master_process off; pid ${folder.in(`nginx-${port}.pid`)}; error_log stderr info;
     events {} http { access_log off; ${temporary.join(' ')} ${tlsServer} }`,
  );
  return conf;
}
