import { existsSync } from 'node:fs';
import { nameToString } from '@countersign/pki';
import type { Listen, Status, Warning } from '@countersign/protocol';
import type { DataFolder } from './adapters/data-folder.ts';
import { issuersOf, sha256Hex } from './domain/ca.ts';
import type { Ca, CaSet } from './domain/ca.ts';
import { rootCrlAlarmMs } from './domain/crl/schedule.ts';
import type { FeedHub } from './domain/feed-hub.ts';
import type { Clock, Store, StoredCrl } from './domain/ports.ts';
import type { CrlState, MetricsState, OcspFigures } from './metrics.ts';
import type { CrlTimes } from './running/crl-times.ts';

const day = 86_400_000;

/** From how long before its end on an issuing CA is warned of: its leaves are being shortened. */
const issuingAlarmMs = 365 * day;

export interface StatusParts {
  readonly folder: DataFolder;
  readonly store: Store;
  readonly clock: Clock;
  readonly cas: () => CaSet;
  readonly hub: FeedHub;
  readonly listen: () => Listen;
  readonly startedAt: number;
  readonly version: string;
  readonly apiNotAfter: () => number | undefined;
  readonly ocsp: () => OcspFigures;
  readonly crlTimes: CrlTimes;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function caStatus(ca: Ca, crl: StoredCrl | undefined, online: boolean): Status['root'] {
  const { certificate, id } = ca;
  const base = {
    id,
    subject: nameToString(certificate.subject),
    serial: certificate.serialHex,
    notAfter: iso(certificate.notAfter),
    fingerprintSha256: sha256Hex(certificate.der),
    online,
  };
  if (crl === undefined) return base;
  const { number, thisUpdate, nextUpdate, entries } = crl;
  return { ...base, crl: { number, thisUpdate: iso(thisUpdate), nextUpdate: iso(nextUpdate), entries } };
}

function warningsOf(parts: StatusParts, rootOnline: boolean, rootCrl: StoredCrl | undefined, now: number): Warning[] {
  const warnings: Warning[] = [];
  const { root, issuing, elsewhere } = parts.cas();
  for (const { id } of elsewhere) {
    const message = `this node has no key of ${id}, which others sign with: copy ca/${id}.key from one of them`;
    warnings.push({ code: 'issuing_key_absent', message });
  }
  if (rootOnline) {
    const mend = 'countersign root export --out FILE, then countersign root remove';
    warnings.push({ code: 'root_online', message: `the root's key lies on this machine; take it offline: ${mend}` });
  }
  if (rootCrl === undefined || rootCrl.nextUpdate - now < rootCrlAlarmMs) {
    const end = rootCrl === undefined ? 'is missing' : `ends at ${iso(rootCrl.nextUpdate)}`;
    warnings.push({ code: 'root_crl_ends', message: `the root's CRL ${end}: sign the next with countersign root crl` });
  }
  const newest = issuing.at(-1);
  if (newest === undefined || newest.certificate.notAfter - now < issuingAlarmMs) {
    const end =
      newest === undefined ? 'there is no issuing CA' : `${newest.id} ends at ${iso(newest.certificate.notAfter)}`;
    warnings.push({ code: 'issuing_ends', message: `${end}: make the next with countersign init --renew-issuing` });
  }
  if (root.certificate.notAfter - now < 5 * issuingAlarmMs) {
    warnings.push({ code: 'root_ends', message: `the root ends at ${iso(root.certificate.notAfter)}` });
  }
  return warnings;
}

/** What runs and what needs mending. */
export async function authorityStatus(parts: StatusParts): Promise<Status> {
  const { store, folder, hub } = parts;
  const now = parts.clock();
  const cas = parts.cas();
  const { root, issuing, generation } = cas;
  const rootOnline = existsSync(folder.rootKey);
  const rootCrl = await store.crl(root.keyHash, 'full');
  const issuingStatus = issuersOf(cas).map(async (ca) =>
    caStatus(
      ca,
      await store.crl(ca.keyHash, 'full'),
      issuing.some(({ id }) => id === ca.id),
    ),
  );
  const listen = Object.entries(parts.listen()).flatMap(([what, where]) =>
    typeof where === 'string' ? [[what, where] as const] : [],
  );
  return {
    version: parts.version,
    pid: process.pid,
    startedAt: iso(parts.startedAt),
    listen: Object.fromEntries(listen),
    cursor: hub.cursor,
    generation,
    root: caStatus(root, rootCrl, rootOnline),
    issuing: await Promise.all(issuingStatus),
    certificates: await store.countCertificates(now),
    requestsWaiting: await store.countPendingRequests(),
    gateways: hub.gateways().map((gateway) => ({ ...gateway, connectedAt: iso(gateway.connectedAt) })),
    servers: hub.servers().map((server) => ({ ...server, connectedAt: iso(server.connectedAt) })),
    nodes: hub.nodes().map(({ name, gateways, servers }) => ({ name, gateways, servers })),
    warnings: warningsOf(parts, rootOnline, rootCrl, now),
  };
}

/** What the metrics' gauges show. */
export async function metricsState(parts: StatusParts): Promise<MetricsState> {
  const known = parts.cas();
  const cas = [known.root, ...issuersOf(known)].map(async ({ id, keyHash, certificate }) => {
    return { id, notAfter: certificate.notAfter, crls: crlState(await parts.store.crls(keyHash)) };
  });
  const read = await Promise.all(cas);
  const rootEnd = read[0]?.crls[0]?.nextUpdate ?? 0;
  return {
    cas: read,
    gateways: parts.hub.gateways().length,
    servers: parts.hub.servers().length,
    rootOnline: existsSync(parts.folder.rootKey),
    rootCrlAlarm: rootEnd - parts.clock() < rootCrlAlarmMs,
    apiNotAfter: parts.apiNotAfter(),
    ocsp: parts.ocsp(),
    crlTimes: parts.crlTimes,
    requestsWaiting: await parts.store.countPendingRequests(),
  };
}

/** CRLs by kind: of all partitions the end that comes first, the sizes together. */
function crlState(crls: readonly StoredCrl[]): CrlState[] {
  const byKind = new Map<CrlState['scope'], CrlState>();
  for (const { scope, nextUpdate, bytes, entries } of crls) {
    const kind = typeof scope === 'number' ? 'partition' : scope;
    const before = byKind.get(kind) ?? { scope: kind, nextUpdate, bytes: 0, entries: 0 };
    byKind.set(kind, {
      scope: kind,
      nextUpdate: Math.min(before.nextUpdate, nextUpdate),
      bytes: before.bytes + bytes,
      entries: before.entries + entries,
    });
  }
  return [...byKind.values()];
}
