import { createHash, createPublicKey, verify, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import * as pkijs from 'pkijs';
import { buildAndValidate, parseCertificate, trustAnchor } from '@countersign/pki';
import type { Crypto as PkiCrypto, PathOptions } from '@countersign/pki';
import { nodeCrypto } from '@countersign/trust';
import { measure } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { claimCost, rowsOf } from '../harness/suite.ts';
import type { Result } from '../harness/suite.ts';
import { makeChain } from './chain.ts';

/** Imports the key for every check, as the floor does; the product keeps imported keys. */
const importing: PkiCrypto = {
  verify: (_scheme, spki, data, signature) => verify('sha256', data, importKey(spki), signature),
  digest: (algorithm, data) => createHash(algorithm).update(data).digest(),
};

function importKey(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

/** A path of three certificates (P-256) is built and validated. */
export async function benchVerifyPath(options: MeasureOptions): Promise<Result> {
  const { root, issuing, leaf } = await makeChain();
  const anchors = [trustAnchor(root.certificate)];
  const common: Omit<PathOptions, 'crypto'> = {
    anchors,
    intermediates: [issuing.certificate],
    time: Date.now(),
    purpose: 'client',
  };
  const checks = [
    [leaf.certificate, issuing.certificate],
    [issuing.certificate, root.certificate],
  ] as const;
  const kept = checks.map(([signed, { spki }]) => [signed, importKey(spki.der)] as const);
  pkijs.setEngine('node', new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto as unknown as Crypto }));
  const [theirLeaf, theirIssuing, theirRoot] = [leaf, issuing, root].map(({ der }) =>
    pkijs.Certificate.fromBER(new Uint8Array(der).buffer),
  ) as [pkijs.Certificate, pkijs.Certificate, pkijs.Certificate];
  const floor = 'its two signature checks';
  const measured = await measure(
    {
      name: 'verify a path',
      against: floor,
      contenders: [
        {
          name: floor,
          run: () =>
            checks.map(([signed, signer]) =>
              importing.verify('ecdsa-sha256', signer.spki.der, signed.tbs, signed.signature),
            ),
        },
        { name: 'pki', run: () => mustHold(buildAndValidate(leaf.certificate, { ...common, crypto: importing })) },
        {
          name: 'pki, parsing the presented chain too',
          run: () =>
            mustHold(
              buildAndValidate(parseCertificate(leaf.der), {
                ...common,
                intermediates: [parseCertificate(issuing.der)],
                crypto: importing,
              }),
            ),
        },
        {
          name: 'its two signature checks, keys kept',
          run: () => kept.map(([signed, key]) => verify('sha256', signed.tbs, key, signed.signature)),
        },
        {
          name: 'pki, keys kept',
          run: () => mustHold(buildAndValidate(leaf.certificate, { ...common, crypto: nodeCrypto })),
        },
        {
          name: 'pkijs',
          run: async () => {
            const certs = [theirRoot, theirIssuing, theirLeaf];
            const engine = new pkijs.CertificateChainValidationEngine({ trustedCerts: [theirRoot], certs });
            mustHold({ ok: (await engine.verify()).result });
          },
        },
      ],
    },
    options,
  );
  return {
    name: 'verify a path of three certificates',
    rows: rowsOf(measured, floor),
    claims: [claimCost(measured, 'pki', floor, 1.25)],
  };
}

function mustHold({ ok }: { readonly ok: boolean }): void {
  if (!ok) throw new Error('the path is good, and was refused');
}
