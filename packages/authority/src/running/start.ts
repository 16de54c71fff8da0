import { readAdministratorOptions } from './administrator-options.ts';
import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { adminSocketPath, clearSocket, prepareSocketFolder } from '../adapters/admin-socket.ts';
import { keepApiIdentity } from '../adapters/api-identity.ts';
import { checkMarker, dataFolder } from '../adapters/data-folder.ts';
import { formatAddress, listen, listenOn, parseAddress } from '../adapters/listen.ts';
import { Approvals } from '../approvals.ts';
import { recordAudit } from '../domain/audit.ts';
import { readBundle } from '../domain/bundle.ts';
import type { KeygenWish } from '../domain/est/server-keygen.ts';
import { localApplication, secureApplication } from '../http/application.ts';
import { Callers } from '../http/caller.ts';
import { FactoryCallers } from '../http/est/factory-callers.ts';
import { ocspRoute } from '../http/ocsp.ts';
import { PublicServer } from '../http/public.ts';
import { readinessOf, readinessRoutes } from '../http/readiness.ts';
import { caRoute, crlRoute } from '../http/published-authority.ts';
import type { RouteParts } from '../http/routes.ts';
import { secureContext, tlsOptions } from '../http/tls-options.ts';
import type { ApiIdentity } from '../http/tls-options.ts';
import { createMetrics } from '../metrics.ts';
import { operatorLog } from '../operator-log.ts';
import { AuthorityService } from '../service.ts';
import { authorityStatus, metricsState } from '../status.ts';
import type { StatusParts } from '../status.ts';
import { version } from '../version.ts';
import { closeAll, drain } from './closing.ts';
import type { Closing } from './closing.ts';
import { openCore } from './core.ts';
import type { Core } from './core.ts';
import { startOcsp } from './ocsp.ts';
import { createEnrollment } from './enroll.ts';
import { openFactories } from './est.ts';
import { serverKeygen } from './server-keygen.ts';
import { apiNames, defaultAddresses, urlOf } from './options.ts';
import type { AuthorityOptions } from './options.ts';
import { startUpkeep } from './upkeep.ts';

/** A running authority. */
export interface RunningAuthority {
  /** Where it listens, with the real ports. */
  readonly listen: {
    readonly authority: string;
    readonly http: string;
    readonly admin: string;
    /** Where there is a listener that asks for no client certificate. */
    readonly enroll?: string;
  };
  /** Its metrics in the text format of Prometheus. */
  metrics(): Promise<string>;
  /** Answers what has been asked, ends the feeds, closes the store. */
  close(): Promise<void>;
}

/**
 * Starts the authority of a data folder: the API over mutual TLS and on the local socket, CRLs, CA certificates and OCSP over plain HTTP.
 *
 * Throws AuthorityError: `not_initialized`, `unknown_format`, `already_running`, `wrong_passphrase`, `port_in_use`,
 * `address_unavailable`, `folder_broken`, `store_corrupt`, `storage_full`, `invalid_option`.
 *
 * @example
 * const authority = await startAuthority({ dataDir: '.countersign', passphrase })
 * console.log(authority.listen.authority) // 127.0.0.1:8443
 * await authority.close()
 */
export async function startAuthority(options: AuthorityOptions): Promise<RunningAuthority> {
  const log = options.logger ?? operatorLog(options.logLevel);
  const folder = dataFolder(options.dataDir);
  await checkMarker(folder);
  const socketPath = options.adminSocket ?? adminSocketPath(folder.path);
  await prepareSocketFolder(socketPath);
  await clearSocket(socketPath);
  const core = await openCore(folder, options, log);
  const closing: Closing[] = [() => core.store.close()];
  try {
    return await run(core, options, socketPath, closing, log);
  } catch (error) {
    await closeAll(closing);
    throw error;
  }
}

async function run(
  core: Core,
  options: AuthorityOptions,
  socketPath: string,
  closing: Closing[],
  log: Logger,
): Promise<RunningAuthority> {
  const { store, clock, cas, hub, crls, after, folder } = core;
  // Before anybody can fetch them: after a restore the CRLs of the store are older than what was served.
  await crls.refresh();
  const ocsp = await startOcsp(core, options);
  closing.push(() => ocsp.close());
  const notReady = readinessOf(store, { after, elapsed: () => performance.now() });
  const routes = [
    ocspRoute(ocsp.responder, clock),
    caRoute(cas),
    crlRoute(store, cas, clock),
    ...readinessRoutes(notReady),
  ];
  const http = new PublicServer(routes, log);
  const servers: (Server | SecureServer)[] = [http];
  closing.push(async () => {
    await Promise.all(servers.filter(({ listening }) => listening).map(drain));
  });
  const httpAddress = await listenOn(http, options.http ?? defaultAddresses.http);

  // Certificates name the plain listener, tokens the API: each has to listen before its first is made.
  const where = { apiUrl: options.publicUrl };
  const context = core.context({
    publicHttp: options.publicHttp ?? urlOf('http', httpAddress),
    apiUrl: () => where.apiUrl ?? '',
  });
  // Of each request it is asked whether its host is one of ours.
  let names = apiNames(options);
  let identity = await keepApiIdentity(folder, context, names);

  const listening: { authority: string; http: string; admin: string; enroll?: string } = {
    authority: '',
    http: formatAddress(httpAddress),
    admin: socketPath,
  };
  const startedAt = clock();
  const apiNotAfter = (): number => identity.notAfter;
  const statusParts: StatusParts = {
    folder,
    store,
    clock,
    cas,
    hub,
    listen: () => listening,
    startedAt,
    version,
    apiNotAfter,
    ocsp: () => ocsp.figures(),
    crlTimes: core.crlTimes,
  };
  const metrics = createMetrics(() => metricsState(statusParts));
  const { secrets } = core;
  const service = new AuthorityService({ context, secrets, hub, crls, ocsp: ocsp.presigning, metrics, after, log });
  const parts: RouteParts = {
    service,
    approvals: new Approvals(context, metrics),
    hub,
    bundle: () => readBundle(store, clock()),
    status: () => authorityStatus(statusParts),
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    version,
  };

  const scopes = readAdministratorOptions(options.administrators);
  const callers = new Callers(store, clock, cas, context.rules, scopes);
  const factories = await openFactories(options.est ?? {}, cas(), { log, clock });
  closing.push(async () => factories.close());
  const keys = serverKeygen(options.est ?? {}, () => identity);
  const keygen = keys && {
    profiles: keys.kinds,
    generate: (wish: KeygenWish) => service.generateByEst(keys, wish),
  };
  const tls = (): ApiIdentity => ({ ...identity, ca: identity.ca + factories.pem });
  const api = secureApplication(
    tlsOptions(tls()),
    (request, renews) => callers.callerOn(request.raw.socket as TLSSocket, renews),
    parts,
    log,
    options.est?.enabled === false
      ? undefined
      : {
          enroll: (wish) => service.enrollByEst(wish),
          keygen,
          bundle: parts.bundle,
          factories: new FactoryCallers(factories.list, clock, (socket) => callers.leafOn(socket)),
          log,
        },
  );
  api.server.on('secureConnection', (socket) => callers.remember(socket));
  const local = localApplication(async () => ({ kind: 'local' }), parts, log);
  servers.push(api.server, local.server);
  await Promise.all([api.ready(), local.ready()]);
  const apiAddress = await listenOn(api.server, options.listen ?? defaultAddresses.listen);
  listening.authority = formatAddress(apiAddress);
  where.apiUrl ??= urlOf('https', apiAddress);
  await listen(local.server, { path: socketPath }, socketPath);
  const ownHosts = (): string[] =>
    [listening.authority, listening.http, listening.enroll ?? '']
      .filter((address) => address !== '')
      .map((address) => parseAddress(address).host);
  const enrollment =
    options.enroll === undefined
      ? undefined
      : createEnrollment({
          core,
          context,
          service,
          metrics,
          identity,
          own: ownHosts,
          options: options.acme ?? {},
          names: () => names,
        });
  if (enrollment !== undefined && options.enroll !== undefined) {
    const { server } = enrollment.application;
    await enrollment.application.ready();
    await enrollment.upkeep(true);
    closing.push(() => enrollment.close());
    servers.push(server);
    listening.enroll = formatAddress(await listenOn(server, options.enroll));
  }

  await store.write((tx) => recordAudit(tx, clock(), 'authority.started', { kind: 'authority' }, { version }));
  const stopUpkeep = startUpkeep({
    core,
    keepOcsp: () => ocsp.keep(),
    keepIdentity: async () => {
      names = apiNames(options);
      const kept = await keepApiIdentity(folder, context, names);
      if (kept.chain === identity.chain) return;
      identity = kept;
      api.server.setSecureContext(secureContext(tls()));
      enrollment?.application.server.setSecureContext(secureContext(identity));
    },
    round: enrollment && (() => enrollment.upkeep(false)),
  });
  // The feeds first: a server waits for every answer that is under way, and these never end.
  closing.push(
    () => crls.close(),
    stopUpkeep,
    () => hub.close(),
  );
  log.info({ listen: listening }, 'listening');
  return { listen: listening, metrics: () => metrics.text(), close: () => closeAll(closing) };
}
