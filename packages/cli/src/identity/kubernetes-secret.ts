// A TLS secret of Kubernetes, as cert-manager and `kubectl create secret tls` make it.
import { stringify } from 'yaml';

/** What the secret is called, and what it holds (PEM). */
export interface SecretContents {
  readonly name: string;
  /** Absent: the namespace is the one that it is applied to. */
  readonly namespace: string | undefined;
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/**
 * A manifest of `kind: Secret`, `type: kubernetes.io/tls`: certificate and intermediates in `tls.crt`, the key in `tls.key`, the roots in
 * `ca.crt`.
 *
 * @example kubernetesSecret({ name: 'web-tls', namespace: undefined, cert, key, ca })
 */
export function kubernetesSecret({ name, namespace, cert, key, ca }: SecretContents): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const manifest = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    type: 'kubernetes.io/tls',
    data: { 'ca.crt': base64(ca), 'tls.crt': base64(cert), 'tls.key': base64(key) },
  };
  // Kubernetes reads YAML 1.1, where a bare `on` or `1_0` is no text.
  return stringify(manifest, { version: '1.1', lineWidth: 0 });
}
