export { SDK_ERRORS, SdkError } from './errors.ts';
export type { Problem, SdkErrorCode } from './errors.ts';

export { createIdentity, Identity, openIdentity } from './identity/identity.ts';
export { loadIdentity, saveIdentity } from './identity/identity-files.ts';
export type { IdentityFiles } from './identity/identity-files.ts';
export { assembleMaterial, keyPem, readMaterial, writeMaterial } from './identity/material.ts';
export type { IdentityPem, Material } from './identity/material.ts';
export { renewalTime, retryPause } from './identity/renewal-time.ts';
export type { Validity } from './identity/renewal-time.ts';
export { keepRenewed } from './identity/keep-renewed.ts';
export type { KeepRenewedOptions, KeptRenewed } from './identity/keep-renewed.ts';

export { enroll } from './enrollment/enroll.ts';
export type { EnrollOptions } from './enrollment/enroll.ts';
export { renew, renewFiles } from './enrollment/renew.ts';
export type { RenewOptions } from './enrollment/renew.ts';
export { readToken } from './enrollment/token.ts';
export type { EnrollmentToken, TokenName } from './enrollment/token.ts';
export { acceptAnswer, requestKey } from './enrollment/certify.ts';
export type { KeyRequest } from './enrollment/certify.ts';
export { callAuthority } from './enrollment/api-call.ts';
export { certifyIntoFiles } from './enrollment/certify-into-files.ts';
export type { CertificateWish } from './enrollment/certify-into-files.ts';
export type { ApiCall, Waiting } from './enrollment/api-call.ts';

export { IdentityAgent } from './client/identity-agent.ts';
export type { FollowedIdentity } from './client/identity-agent.ts';
export { identityFetch } from './client/identity-fetch.ts';
export { judgeServerStatus, watchServerStatus } from './client/server-status.ts';
export type { ServerStatusOptions, StapleDemand } from './client/server-status.ts';
export { openServerTrust, ServerTrust } from './server/server-trust.ts';
export type { AuthorityOptions, ServerTrustOptions } from './server/server-options.ts';
export type { BundleOptions, CrlPlaceOptions, OcspOptions, RevocationOptions } from './server/settings.ts';
export type { EndedConnection, RefusedConnection } from './server/judged-server.ts';
export type { PeerConnection } from './server/peers.ts';
export type { Accepted as PeerVerdict, Identity as PeerIdentity, VerdictCode } from '@countersign/trust';
export type { Followed, FollowOptions, ServedIdentity, StaplingOptions } from './server/follow-server.ts';
export { CIPHERS, refuseDisarmedTls, TLS_DEFAULTS } from './client/tls-options.ts';
