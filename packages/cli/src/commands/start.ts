import { httpUrl, parseCount } from '../admin/names.ts';
import type { StartFlags } from '../supervisor/run.ts';
import { outputOf } from '../terminal/output.ts';
import { command } from './command.ts';
import * as flags from './flags.ts';

export const start = command<StartFlags>({
  async run(given) {
    const { runStart } = await import('../supervisor/run.ts');
    await runStart(this, given, outputOf(this, given.json));
  },
  parameters: {
    flags: {
      data: flags.data,
      json: flags.json,
      upstream: flags.value('URL', 'The service behind the gateway (else a small demonstration)'),
      gateway: flags.address('Where clients connect', '127.0.0.1:9443'),
      authority: flags.address("The authority's API", '127.0.0.1:8443'),
      http: flags.address('CRLs and CA certificates, plain HTTP', '127.0.0.1:8080'),
      enroll: flags.address('ACME, on a listener that asks for no client certificate', '127.0.0.1:8444'),
      admin: flags.address('/metrics, /healthz and /readyz, plain HTTP', '127.0.0.1:9090'),
      name: {
        kind: 'parsed',
        parse: String,
        optional: true,
        variadic: true,
        placeholder: 'DNS|IP',
        brief: "A further name of the gateway's certificate, besides localhost, 127.0.0.1, ::1 and the host's name",
      },
      publicHttp: {
        kind: 'parsed',
        parse: httpUrl,
        optional: true,
        placeholder: 'URL',
        brief: 'Where the world finds what --http serves: it stands in every certificate',
      },
      workers: {
        kind: 'parsed',
        parse: parseCount,
        optional: true,
        placeholder: 'N',
        brief: 'Worker processes of the gateway (else one for each core)',
      },
      trust: flags.files(
        'Further CAs that clients may have; without CRLs of theirs (see --config) they are not asked for revocation',
      ),
      config: flags.file("These settings, and the rest of the gateway's, as YAML; flags win"),
      restart: flags.restart,
    },
  },
  docs: {
    brief: 'Run everything on this machine',
    fullDescription:
      'Runs the authority and the gateway. On a fresh folder it first makes the PKI unattended, with random passphrases in DATA/secrets, and issues the client demo into DATA/clients. Prints `ready` on a line of its own when everything listens. SIGTERM drains and ends with 0; SIGHUP reads --config again.',
  },
});
