/** What the gateway itself says to the upstream with every request of a connection. */
import type { ConnectionContext } from '../connection.ts';
import { forwardedFields } from './forwarded.ts';
import { identityFields } from './identity.ts';

/** Made once for a connection: the client's certificate is encoded once, whatever it asks for. */
export class RequestFields {
  readonly #context: ConnectionContext;
  readonly #via: string;
  #identity: string | undefined;
  #host = '';
  #fields = '';

  /** @param version of the protocol that the client speaks, for Via (RFC 9110 section 7.6.3) */
  constructor(context: ConnectionContext, version: '1.1' | '2') {
    this.#context = context;
    this.#via = `Via: ${version} countersign\r\n`;
  }

  /** Field lines, each ended by CRLF. @param host normalised */
  lines(host: string, correlationId: string): string {
    if (host !== this.#host) {
      this.#identity ??= identityFields(this.#context.peer);
      this.#host = host;
      this.#fields = `${this.#identity}${forwardedFields(this.#context, host)}${this.#via}Countersign-Correlation-Id: `;
    }
    return `${this.#fields}${correlationId}\r\n`;
  }
}
