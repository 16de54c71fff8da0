export { nodeCrypto, threadedVerifier } from './crypto/node-crypto.ts';
export { generateKeyPair, nodeSigner, spkiOf, threadedSigner } from './crypto/node-keys.ts';
export type { KeyKind } from './crypto/key-kinds.ts';
export type { NodeKeyPair } from './crypto/node-keys.ts';
export { decryptPrivateKey, encryptPrivateKey } from './crypto/encrypted-key.ts';
export { PassphraseKeys } from './crypto/passphrase-keys.ts';
export { nodeEnvelopeCrypto } from './crypto/envelope-port.ts';
export { nodePasswordCrypto } from './crypto/password-port.ts';
export { TRUST_ERRORS, TrustError } from './errors.ts';
export type { TrustErrorCode } from './errors.ts';

export { firstRefusal, isRefusalCode, precedence, REFUSAL_CODES, refusal } from './verdict/refusal-codes.ts';
export type { RefusalCode, RefusalEntry, VerdictCode } from './verdict/refusal-codes.ts';
export type { Accepted, CrlPoint, Identity, PathEntry, Refused, Verdict } from './verdict/verdict.ts';
export { judge } from './verdict/judge.ts';
export { problemDocument } from './verdict/problem.ts';
export type { Presented, VerdictPolicy } from './verdict/policy.ts';
export { keyHash, sha256Hex } from './verdict/key-hash.ts';
export { pathEntry } from './verdict/path-entries.ts';

export { TrustState } from './state/trust-state.ts';
export type { LoadedBundle, TrustStateOptions } from './state/trust-state.ts';
export { IntermediateStore } from './state/intermediate-store.ts';
export type { IntermediateStoreOptions } from './state/intermediate-store.ts';
export { CRL_STALENESS, FEED_STALENESS, isBeyond, isCovered } from './state/revocation-source.ts';
export type { Coverage, RevocationSource, Staleness } from './state/revocation-source.ts';
export type { RevocationFault, SoftPass } from './state/revocation-check.ts';

export { anchorOf, isSelfSigned, makeBundle, mayAnswer, maySignCrls, readSigners } from './bundle/bundle.ts';
export type { Bundle, BundleFile } from './bundle/bundle.ts';
export { loadBundle, readTrustFile, watchBundle } from './bundle/load-bundle.ts';
export type { BundleOptions } from './bundle/load-bundle.ts';
export { realFiles, watchFiles } from './files/watch-files.ts';
export type { FilePort, FileWatch, WatchOptions } from './files/watch-files.ts';

export { isRevocationReason, REVOCATION_REASONS, revocationReason } from './revocation/revocation.ts';
export type { Revocation, RevocationKey, RevocationReason } from './revocation/revocation.ts';
export { RevocationDigest } from './revocation/revocation-digest.ts';
export { RevocationIndex } from './revocation/revocation-index.ts';
export type { RevocationStatus } from './revocation/revocation-index.ts';
export { normaliseSerial } from './revocation/serial-words.ts';

export { LiveRegister } from './live/live-register.ts';
export type { LiveHandle, LiveRegisterOptions, LiveRules, Registration } from './live/live-register.ts';

export { FeedState } from './feed/feed-state.ts';
export type { FeedAlarm, FeedApplied, FeedOutcome, FeedRefused, FeedStateOptions } from './feed/feed-state.ts';
export { readCursor, writeCursor } from './feed/feed-event.ts';
export type {
  Cursor,
  FeedBundle,
  FeedBundleChanged,
  FeedChange,
  FeedEvent,
  FeedHeartbeat,
  FeedReleased,
  FeedRevocation,
  FeedRevoked,
  FeedSnapshot,
} from './feed/feed-event.ts';
export { SNAPSHOT_TYP, snapshotDigest, snapshotLines, verifySnapshot } from './feed/snapshot-signature.ts';
export type { SnapshotVerdict } from './feed/snapshot-signature.ts';
export { StateStore } from './feed/state-store.ts';
export type { LoadedState, Sealer, StateStoreOptions } from './feed/state-store.ts';
export { signJws, verifyJws } from './jws/compact.ts';
export type { VerifiedJws } from './jws/compact.ts';

export { CrlSet } from './crl/crl-set.ts';
export type { CrlOffer, CrlSetOptions } from './crl/crl-set.ts';
export type { LoadedCrl } from './crl/accept-crl.ts';
export type { CrlScope } from './crl/crl-scope.ts';
export { CrlStore } from './crl/crl-store.ts';
export type { KeptCrl, KeptCrls } from './crl/crl-store.ts';
export { CrlWatch, isEnding } from './crl/crl-watch.ts';
export type { CrlAlarm } from './crl/crl-watch.ts';
export { fetchCrl } from './crl/fetch-crl.ts';
export type { FetchedCrl, FetchOptions } from './crl/fetch-crl.ts';
export { followCrlFile, followCrlUrl } from './crl/follow-crl.ts';
export type { CrlFollower, Following, UrlOptions } from './crl/follow-crl.ts';

export { emptyAcceptQueue } from './net/accept-queue.ts';
export {
  AddressGuard,
  ForbiddenAddress,
  guardForConfigured,
  guardForTrusted,
  isDestination,
} from './net/address-guard.ts';
export type { AddressGuardOptions } from './net/address-guard.ts';
export { addressKind, addressOctets, isInRange, parseAddressRange } from './net/address-kind.ts';
export type { AddressKind, AddressRange } from './net/address-kind.ts';
export { fetchBounded, FetchFailed } from './net/fetch-bounded.ts';
export type { BoundedAnswer, BoundedRequest, FetchProblem, FetchProgress } from './net/fetch-bounded.ts';

export { askResponders } from './ocsp/ask-responders.ts';
export type { AskOutcome, AskPort, AskProblem, OcspPolicy, Responder, StatusQuestion } from './ocsp/ask-responders.ts';
export { fetchOcsp } from './ocsp/fetch-ocsp.ts';
export type { FetchOcspOptions } from './ocsp/fetch-ocsp.ts';
export { OcspAnswers } from './ocsp/ocsp-answers.ts';
export type { OcspAnswer, OcspAnswersOptions } from './ocsp/ocsp-answers.ts';
export { OcspDesk } from './ocsp/ocsp-desk.ts';
export type { OcspDeskOptions } from './ocsp/ocsp-desk.ts';
export { OcspSource } from './ocsp/ocsp-source.ts';
export type { OcspSourceOptions } from './ocsp/ocsp-source.ts';
export { OcspStore } from './ocsp/ocsp-store.ts';
export { StapleKeeper } from './ocsp/staple-keeper.ts';
export type { Staple, StapleKeeperOptions } from './ocsp/staple-keeper.ts';
export { issuerAmong, stapleQuestion } from './ocsp/staple-question.ts';
export type { StapleObstacle } from './ocsp/staple-question.ts';
export { StapleStore } from './ocsp/staple-store.ts';
export { ResponderHealth } from './ocsp/responder-health.ts';
export type { ResponderHealthOptions } from './ocsp/responder-health.ts';
export { CombinedSource } from './state/combined-source.ts';
export type { CombinedSourceOptions } from './state/combined-source.ts';

export { SOURCE_DEFAULTS } from './sources/settings.ts';
export type { BundleSettings, CrlPlace, CrlSettings, OcspSettings, RevocationSettings } from './sources/settings.ts';
export { CrlFollowers } from './sources/crl-followers.ts';
export type { CrlFact, CrlSourceFact, OcspFact } from './sources/source-facts.ts';
export { TrustSources } from './sources/trust-sources.ts';
export type { TrustSourcesOptions } from './sources/trust-sources.ts';
export type { BundleUpdate, TrustUpdate } from './sources/trust-update.ts';
export { LiveTrust } from './live/live-trust.ts';
export type { StatusQuestionData } from './live/status-due.ts';
export { judgeConnection } from './admission/judge-connection.ts';
export type { JudgingPort, StatusAsked, Waited } from './admission/judge-connection.ts';
export { FeedConnection } from './feed/feed-connection.ts';
export { FeedFollower } from './feed/feed-follower.ts';
export { FeedLedger } from './feed/feed-ledger.ts';
export { readFeedEvent } from './feed/read-feed-event.ts';
export { readLines } from './feed/read-lines.ts';
export { BackOff } from './net/back-off.ts';
export { caHints } from './tls/ca-hints.ts';
export { presentedChain } from './tls/presented-chain.ts';
export { testPresentedChain } from './tls/self-test.ts';
export { contextOptions, serverOptions } from './tls/server-options.ts';
export type { KeyPair } from './tls/server-options.ts';
export { TicketKeys } from './tls/ticket-keys.ts';
export { words } from './words.ts';
