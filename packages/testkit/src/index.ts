export { AcmeTestClient, accountKey, base64urlOf, externalBinding, signJwsObject } from './acme-client.ts';
export type { AccountKey, AcmeResponse, ExternalKey } from './acme-client.ts';
export { createRoot, TestCa, TestCertificate, type CertificateOptions, type CrlOptions } from './ca.ts';
export { TEST_TIME, testClock, type TestClock } from './clock.ts';
export { runCommand, type CommandOptions, type CommandResult } from './command.ts';
export {
  getRequest,
  http2Connection,
  rawConnection,
  tlsOptions,
  type Http2Connection,
  type RawConnection,
} from './connections.ts';
export { curl, type CurlResult } from './curl.ts';
export { serveDns, type DnsRecords, type TestDnsServer } from './dns-server.ts';
export { eventually } from './events.ts';
export { temporaryFolder, type TemporaryFolder } from './folders.ts';
export { BAD_ANSWERS, deadPort, serveHttp, type TestHttpServer } from './http-server.ts';
export { endGroupWithProcess, endWithProcess } from './leave-nothing.ts';
export { certIdOf, ocspAnswer, serveOcsp, type OcspBehaviour } from './ocsp.ts';
export { startPeerServer, type PeerServer } from './peer-server.ts';
export { importPart } from './parts.ts';
export { peer, without } from './peers.ts';
export { startPostgres, withoutPostgres, type PostgresOptions, type PostgresServer } from './postgres.ts';
export {
  countersign,
  launcher,
  lockHolder,
  node,
  repository,
  startProduct,
  type ClientFiles,
  type Product,
  type ProductOptions,
  type ReadyEvent,
} from './product.ts';
export { sClient, type SClientRequest, type SClientResult } from './s-client.ts';
export { startUpstream, type SeenRequest, type Upstream } from './upstream.ts';
