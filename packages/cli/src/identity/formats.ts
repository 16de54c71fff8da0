// An identity in the form in which its user reads it: PEM, DER, PKCS#12, a Kubernetes secret.
import { randomBytes } from 'node:crypto';
import { buildCertsOnly, buildPkcs12, pemDecode, type Pkcs12Format } from '@countersign/pki';
import { nodePasswordCrypto } from '@countersign/trust';
import { type IdentityFiles, type Overwrite, writeWhole } from './files.ts';
import type { Format, FormatWish } from './format-wish.ts';
import { kubernetesSecret } from './kubernetes-secret.ts';

/** What is written: PEM. The key is absent where it is elsewhere. */
export interface IdentityText {
  readonly cert: string;
  readonly ca: string;
  /** Unencrypted PKCS#8. */
  readonly key: string | undefined;
}

interface OutputFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode: number;
  readonly overwrite: Overwrite;
}

/**
 * Writes an identity in each of the forms, keys first: each file in one step, those with a key in them readable by their owner alone.
 *
 * @param overwrite for files of this identity; those of the CA, which identities share, stay where they are the same
 * @returns the paths
 * @throws CliFailure `file_exists`
 */
export async function writeFormats(
  files: IdentityFiles,
  text: IdentityText,
  wish: FormatWish,
  overwrite: Overwrite,
): Promise<readonly string[]> {
  const outputs: OutputFile[] = [];
  for (const format of wish.formats) outputs.push(...(await filesOf(format, files, text, wish, overwrite)));
  for (const { path, content, mode, overwrite: how } of outputs) writeWhole(path, content, mode, how);
  return outputs.map(({ path }) => path);
}

async function filesOf(
  format: Format,
  files: IdentityFiles,
  text: IdentityText,
  wish: FormatWish,
  overwrite: Overwrite,
): Promise<OutputFile[]> {
  const { cert, ca, key } = text;
  const secret = (path: string, content: string | Uint8Array): OutputFile => ({
    path,
    content,
    mode: 0o600,
    overwrite,
  });
  const open = (path: string, content: string | Uint8Array, how = overwrite): OutputFile => ({
    path,
    content,
    mode: 0o644,
    overwrite: how,
  });
  const shared = overwrite === 'always' ? 'always' : 'same';
  switch (format) {
    case 'pem':
      return [
        ...(key === undefined ? [] : [secret(files.key, key)]),
        open(files.cert, cert),
        open(files.ca, ca, shared),
      ];
    case 'der': {
      const [leaf = new Uint8Array()] = certificatesIn(cert);
      const chain = buildCertsOnly({ certificates: certificatesIn(cert), crls: [] });
      const [root = new Uint8Array()] = certificatesIn(ca);
      return [
        ...(key === undefined ? [] : [secret(files.keyDer, keyIn(key))]),
        open(files.certDer, leaf),
        open(files.chainDer, chain),
        open(files.caDer, root, shared),
      ];
    }
    case 'p12': {
      const password = wish.p12.password ?? randomBytes(18).toString('base64url');
      const container = await pkcs12(text, password, wish.p12.format, wish.name);
      const own = wish.p12.password === undefined ? [secret(files.p12Password, `${password}\n`)] : [];
      return [secret(files.p12, container), ...own];
    }
    case 'kubernetes':
      return [secret(files.secret, kubernetesSecret({ ...wish.secret, cert, ca, key: key ?? '' }))];
  }
}

function pkcs12(
  { cert, ca, key }: IdentityText,
  password: string,
  format: Pkcs12Format,
  name: string,
): Promise<Uint8Array> {
  const certificates = [...certificatesIn(cert), ...certificatesIn(ca)];
  const contents = { key: keyIn(key ?? ''), certificates, friendlyName: name };
  return buildPkcs12(contents, password, nodePasswordCrypto, { format });
}

function certificatesIn(pem: string): Uint8Array[] {
  return pemDecode(pem).flatMap(({ label, der }) => (label === 'CERTIFICATE' ? [der] : []));
}

function keyIn(pem: string): Uint8Array {
  return pemDecode(pem).find(({ label }) => label === 'PRIVATE KEY')?.der ?? new Uint8Array();
}
