import type { ProfileName } from '@countersign/protocol';
import type { ValidationSettings } from '../adapters/acme/validator.ts';
import type { AcmePolicy } from '../domain/acme/context.ts';
import { AuthorityError } from '../errors.ts';

/** How ACME is offered. */
export interface AcmeOptions {
  /** Default true. */
  readonly enabled?: boolean | undefined;
  /** No account without an external account key. Default false: names are proven by challenges. */
  readonly requireEab?: boolean | undefined;
  /** Which profiles there are of server, peer, client and device. All but server need an external account key. Default: all. */
  readonly profiles?: readonly string[] | undefined;
  /** The URL of what accounts have to agree to. */
  readonly termsOfService?: string | undefined;
  /** The base of all URLs, where something stands before the listener: `https://acme.example`. */
  readonly publicUrl?: string | undefined;
  readonly validation?: ValidationSettings | undefined;
}

const offered: readonly ProfileName[] = ['server', 'peer', 'client', 'device'];

function httpsUrl(text: string | undefined, option: string): string | undefined {
  if (text === undefined) return undefined;
  if (URL.canParse(text) && new URL(text).protocol === 'https:') return text;
  throw new AuthorityError('invalid_option', `acme.${option}: ${JSON.stringify(text)} is no https URL`);
}

/** Reads the options. Throws `invalid_option`. */
export function readAcmeOptions(options: AcmeOptions): { policy: AcmePolicy; publicUrl: string | undefined } {
  const profiles = (options.profiles ?? offered).map((name) => {
    const profile = offered.find((one) => one === name);
    if (profile !== undefined) return profile;
    throw new AuthorityError(
      'invalid_option',
      `acme.profiles: ${JSON.stringify(name)} is none of ${offered.join(', ')}`,
    );
  });
  const termsOfService = httpsUrl(options.termsOfService, 'termsOfService');
  const publicUrl = httpsUrl(options.publicUrl, 'publicUrl');
  return {
    policy: {
      requireEab: options.requireEab ?? false,
      profiles,
      ...(termsOfService !== undefined && { termsOfService }),
    },
    // As the base of other URLs it has no slash at its end.
    publicUrl: publicUrl && new URL(publicUrl).origin,
  };
}
