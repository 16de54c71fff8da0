import assert from 'node:assert/strict';

import { createRoot, TEST_TIME } from '@countersign/testkit';
import type { TestCa, TestCertificate } from '@countersign/testkit';

import { anchorOf, judge, keyHash, RevocationIndex, TrustState } from '../../src/index.ts';
import type { Bundle, Coverage, RevocationSource, Staleness, Verdict, VerdictPolicy } from '../../src/index.ts';

export const DAY = 86_400_000;
export const now = TEST_TIME;
export const policy: VerdictPolicy = { id: 'p', bundles: ['own'] };

/** A source whose news the test makes. */
export class News implements RevocationSource {
  readonly name = 'news';
  readonly index = new RevocationIndex();
  staleness: Staleness = { mode: 'hard', maxStale: DAY };
  covered: Coverage = { kind: 'loaded', freshUntil: now };

  lookup(entry: { issuerKeyHash: string; serialHex: string }): ReturnType<RevocationIndex['lookup']> {
    return this.index.lookup(entry.issuerKeyHash, entry.serialHex);
  }

  coverage(): Coverage {
    return this.covered;
  }

  revoke(certificate: TestCertificate): void {
    const issuer = certificate.issuer?.certificate.spki;
    assert.ok(issuer !== undefined);
    const { serialHex } = certificate.certificate;
    this.index.set({ issuerKeyHash: keyHash(issuer), serialHex, reason: 'keyCompromise', revokedAt: now });
  }
}

export const root = await createRoot('Root', { now });
export const issuing = await root.issueCa('Issuing', { pathLen: 0 });
export const demo = await issuing.issue('demo', { profile: 'client', sans: [{ type: 'dns', value: 'demo.example' }] });

export function bundle(anchors: readonly TestCa[], intermediates: readonly TestCa[] = [], name = 'own'): Bundle {
  const certificates = intermediates.map((ca) => ca.certificate);
  return { name, anchors: anchors.map((ca) => anchorOf(ca.certificate)), intermediates: certificates, own: true };
}

export function stateWith(
  anchors: readonly TestCa[] = [root],
  intermediates: readonly TestCa[] = [],
  source?: RevocationSource,
): TrustState {
  const state = new TrustState();
  state.setBundle(bundle(anchors, intermediates), source);
  return state;
}

export function show(state: TrustState, presented: readonly Uint8Array[], at = now, under = policy): Verdict {
  return judge({ presented, resumed: false }, under, state, at);
}

export function codeOf(verdict: Verdict): string {
  return verdict.ok ? 'accepted' : verdict.code;
}
