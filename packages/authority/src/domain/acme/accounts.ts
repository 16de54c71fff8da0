import { recordAudit } from '../audit.ts';
import type { StoreReader, StoreWriter } from '../ports.ts';
import type { AcmeContext, Source } from './context.ts';
import { newId } from './context.ts';
import { readBinding } from './eab.ts';
import type { AcmeKey } from './jwk.ts';
import { deny } from './problem.ts';
import type { AcmeOutcome, AcmeRefused } from './problem.ts';
import type { AcmeAccount, EabKey } from './records.ts';

type Payload = Readonly<Record<string, unknown>>;

const contactsLimit = 10;

/** Who to write to (RFC 8555, section 7.3): `mailto:` with one address and nothing else. Absent: what there is stays. */
function readContact(payload: Payload): AcmeOutcome<{ contact: readonly string[] | undefined }> {
  const { contact } = payload;
  if (contact === undefined) return { ok: true, contact: undefined };
  if (!Array.isArray(contact) || contact.length > contactsLimit) {
    return deny('malformed', `contact is a list of ${contactsLimit} URLs at most`);
  }
  for (const url of contact as readonly unknown[]) {
    if (typeof url !== 'string' || url.length > 320) return deny('malformed', 'a contact is a URL');
    if (!/^mailto:/iu.test(url)) return deny('unsupportedContact', 'a contact is a mailto: URL');
    // RFC 8555, section 7.3: neither header fields nor more than one address.
    if (!/^mailto:[^\s@,?%<>"]{1,64}@[\w.-]{1,253}$/iu.test(url)) {
      return deny('invalidContact', 'a mailto: URL has one address and nothing else');
    }
  }
  return { ok: true, contact: contact as readonly string[] };
}

/**
 * Finds or makes the account of a key (RFC 8555, section 7.3). `url` is that of the request, which the binding has to name too.
 */
export async function newAccount(
  context: AcmeContext,
  key: AcmeKey,
  payload: Payload,
  url: string,
  source: Source,
): Promise<AcmeOutcome<{ account: AcmeAccount; created: boolean }>> {
  const known = await context.store.acmeAccountByKey(key.thumbprint);
  if (known !== undefined) return found(known);
  if (payload['onlyReturnExisting'] === true) return deny('accountDoesNotExist', 'no account has this key');
  const contact = readContact(payload);
  if (!contact.ok) return contact;
  const { termsOfService, requireEab } = context.policy;
  const termsAgreed = payload['termsOfServiceAgreed'] === true;
  if (termsOfService !== undefined && !termsAgreed) {
    const link = { url: termsOfService, rel: 'terms-of-service' };
    return deny('userActionRequired', 'the terms of service have to be agreed to', { link });
  }
  const binding = payload['externalAccountBinding'];
  if (binding === undefined && requireEab) {
    return deny('externalAccountRequired', 'an administrator gives out external account keys: countersign eab create');
  }
  let eab: EabKey | undefined;
  if (binding === undefined) {
    const limited = context.limits.refusal('accounts', source.address);
    if (limited !== undefined) return limited;
    context.limits.count('accounts', source.address);
  } else {
    const bound = await readBinding(context, binding, key, url);
    if (!bound.ok) return bound;
    ({ eab } = bound);
  }
  const now = context.clock();
  const account: AcmeAccount = {
    id: newId(context),
    status: 'valid',
    thumbprint: key.thumbprint,
    jwk: key.jwk,
    contact: contact.contact ?? [],
    termsAgreed,
    eab: eab?.id,
    createdAt: now,
  };
  return context.store.write(async (tx) => {
    // Somebody may have been faster with the same key: that is the account.
    const before = await tx.acmeAccountByKey(key.thumbprint);
    if (before !== undefined) return found(before);
    const full = eab === undefined ? undefined : await bindingFault(tx, eab);
    if (full !== undefined) return full;
    if (!(await tx.addAcmeAccount(account))) return deny('serverInternal', 'try again', { status: 503 });
    const details = {
      account: account.id,
      thumbprint: account.thumbprint,
      ...(eab && { eab: eab.id, name: eab.name }),
    };
    await recordAudit(tx, now, 'acme.account_created', { kind: 'acme', name: account.id }, details);
    return { ok: true, account, created: true };
  });
}

/** Asked in the transaction: the key may be gone by now, and another account may have taken the last place. */
async function bindingFault(tx: StoreReader, eab: EabKey): Promise<AcmeRefused | undefined> {
  if ((await tx.eabKey(eab.id)) === undefined) return deny('unauthorized', 'this external account key was removed');
  const { accounts } = eab.policy;
  if (accounts === undefined || (await tx.acmeAccountsBound(eab.id)) < accounts) return undefined;
  return deny('unauthorized', 'this external account key has bound as many accounts as it may');
}

function found(account: AcmeAccount): AcmeOutcome<{ account: AcmeAccount; created: boolean }> {
  if (account.status !== 'valid') return deny('unauthorized', 'the account of this key was deactivated');
  return { ok: true, account, created: false };
}

/** The account as it is now: nobody acts for one that was deactivated. */
export async function currentAccount(store: StoreReader, id: string): Promise<AcmeOutcome<{ account: AcmeAccount }>> {
  const account = await store.acmeAccount(id);
  if (account === undefined) return deny('accountDoesNotExist', 'there is no such account');
  return account.status === 'valid' ? { ok: true, account } : deny('unauthorized', 'the account was deactivated');
}

/** Changes an account's contact, or deactivates it (RFC 8555, sections 7.3.2 and 7.3.6). */
export async function updateAccount(
  context: AcmeContext,
  account: AcmeAccount,
  payload: Payload,
): Promise<AcmeOutcome<{ account: AcmeAccount }>> {
  const { status } = payload;
  if (status !== undefined && status !== 'deactivated') {
    return deny('malformed', 'an account can be deactivated, and nothing else');
  }
  const contact = readContact(payload);
  if (!contact.ok) return contact;
  if (status === undefined && contact.contact === undefined) return { ok: true, account };
  return changeAccount(context, account.id, async (tx, current) => {
    const changed: AcmeAccount = {
      ...current,
      ...(status === 'deactivated' && { status }),
      contact: contact.contact ?? current.contact,
    };
    await tx.changeAcmeAccount(changed);
    if (status !== undefined) {
      const actor = { kind: 'acme' as const, name: account.id };
      await recordAudit(tx, context.clock(), 'acme.account_deactivated', actor, { account: account.id });
    }
    return { ok: true, account: changed };
  });
}

/** Changes an account as it is now, in one transaction. */
export function changeAccount<T extends object>(
  context: AcmeContext,
  id: string,
  change: (tx: StoreWriter, account: AcmeAccount) => Promise<AcmeOutcome<T>>,
): Promise<AcmeOutcome<T>> {
  return context.store.write(async (tx) => {
    const current = await currentAccount(tx, id);
    return current.ok ? change(tx, current.account) : current;
  });
}
