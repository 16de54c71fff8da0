import { sign } from 'node:crypto';
import { buildTbs } from '@countersign/pki';
import type { SubjectPublicKeyInfo } from '@countersign/pki';
import { generateKeyPair, nodeCrypto } from '@countersign/trust';
import { temporaryFolder } from '@countersign/testkit';
import type { SigningCa } from '../../packages/authority/src/domain/ca.ts';
import { readRequest } from '../../packages/authority/src/domain/certificate-request.ts';
import { issueForAdmin } from '../../packages/authority/src/domain/doors.ts';
import { recordAudit } from '../../packages/authority/src/domain/audit.ts';
import { namesFor, profiles } from '../../packages/authority/src/domain/profiles.ts';
import { leafTemplate } from '../../packages/authority/src/domain/template.ts';
import type { TokenContext } from '../../packages/authority/src/domain/tokens.ts';
import { faultsOf, signTwin } from '../../packages/authority/src/domain/twin.ts';
import { measure } from '../harness/measure.ts';
import type { MeasureOptions } from '../harness/measure.ts';
import { rowsOf } from '../harness/suite.ts';
import type { Result } from '../harness/suite.ts';
import { issuanceContext } from './context.ts';
import { newRequest } from './requests.ts';

/** How many are in flight at once: what shares a commit. */
const atOnce = 64;
const keys = 2000;

/** Where the time of an issuance goes, without TLS and HTTP: each layer by itself, and all of them together. */
export async function benchLayers(options: MeasureOptions): Promise<Result> {
  using folder = temporaryFolder('countersign-bench-');
  const { store, context, issuing } = await issuanceContext(folder.in('authority.sqlite'));
  const requests = await Promise.all(Array.from({ length: keys }, newRequest));
  let turn = 0;
  const nextCsr = (): string => requests[turn++ % keys]?.csr ?? '';
  const request = await readRequest(nextCsr(), nodeCrypto);
  if (!request.ok) throw new Error('the request of the bench does not hold');
  const tbs = tbsOf(context, issuing, request.spki);
  const { privateKey } = await generateKeyPair('p256');
  const sans = [{ type: 'dns', value: 'bench.example' }] as const;
  const each = async (work: () => Promise<unknown>): Promise<void> => {
    await Promise.all(Array.from({ length: atOnce }, work));
  };
  const floor = 'crypto.sign alone';
  const measured = await measure(
    {
      name: 'layers',
      against: floor,
      contenders: [
        { name: floor, run: () => sign('sha256', tbs, privateKey) },
        { name: 'the request read, its signature checked', run: () => readRequest(nextCsr(), nodeCrypto) },
        { name: 'the certificate built', run: () => tbsOf(context, issuing, request.spki) },
        {
          name: 'its twin read and linted',
          run: async () => faultsOf(await signTwin(tbs, issuing), 'client', issuing.certificate),
        },
        {
          name: `an audit record, ${atOnce} in a commit`,
          run: () =>
            each(() =>
              store.write((tx) =>
                recordAudit(tx, Date.now(), 'certificate.issued', { kind: 'local' }, { name: 'bench' }),
              ),
            ),
        },
        {
          name: `an issuance, ${atOnce} in a commit`,
          run: () =>
            each(() =>
              issueForAdmin(context, { name: 'bench', profile: 'client', sans, csr: nextCsr() }, { kind: 'local' }),
            ),
        },
      ],
    },
    options,
  );
  await store.close();
  const single = measured.map((one) =>
    one.name.includes('in a commit') ? { ...one, micros: one.micros / atOnce, ratio: one.ratio / atOnce } : one,
  );
  return { name: 'an issuance, layer by layer', rows: rowsOf(single, floor), claims: [] };
}

function tbsOf(context: TokenContext, issuer: SigningCa, spki: SubjectPublicKeyInfo): Uint8Array {
  const named = namesFor(profiles.client, 'bench', [{ type: 'dns', value: 'bench.example' }]);
  if (!named.ok) throw new Error('the names of the bench do not hold');
  const now = Math.floor(Date.now() / 1000) * 1000;
  const contents = {
    profile: profiles.client,
    name: 'bench',
    names: named.names,
    spki,
    serialNumber: context.random(16),
    notBefore: now,
    notAfter: now + 86_400_000,
    partition: 0,
    mustStaple: false,
    receivesKeys: false,
  };
  return buildTbs(leafTemplate(contents, issuer, context.urls), issuer.signer.scheme);
}
