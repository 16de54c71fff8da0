import { parseCertificate, pemEncode } from '@countersign/pki';
import type { Bundle } from '@countersign/protocol';
import type { StoreReader } from './ports.ts';

/**
 * The bundle that this PKI's verifiers need, as the store has it: another process may have made a CA that this one has not opened yet.
 * Expired intermediates verify nothing and are left out.
 */
export async function readBundle(store: StoreReader, now: number): Promise<Bundle> {
  const { generation } = await store.state();
  const cas = (await store.cas()).filter(({ id, der }) => id === 'root' || now <= parseCertificate(der).notAfter);
  const pems = (root: boolean): string[] =>
    cas.filter(({ id }) => (id === 'root') === root).map(({ der }) => pemEncode('CERTIFICATE', der));
  return { anchors: pems(true), intermediates: pems(false), generation };
}
