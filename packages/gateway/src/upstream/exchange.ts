/** What the two sides of a proxied request say to each other, whichever versions of HTTP they speak. */
import type { Framing } from '../http1/body.ts';
import type { ProblemCode } from '../refusal/codes.ts';

/** A request as it goes upstream: judged, cleaned, and complete but for its body. */
export interface UpstreamRequest {
  readonly method: string;
  /** Normalised path and the query. */
  readonly target: string;
  /** Normalised host, with a port where the client named one. */
  readonly host: string;
  /** Field lines, each ended by CRLF; no framing, no hop-by-hop fields, no Host. */
  readonly fields: string;
  /** A length, NO_BODY or CHUNKED. */
  readonly framing: Framing;
  /** The protocol the client asks to change to. */
  readonly upgrade: string | undefined;
  /** The client waits for 100 (Continue) before it sends the body. */
  readonly expectsContinue: boolean;
  /** The client understands trailers (`TE: trailers`). */
  readonly acceptsTrailers: boolean;
}

/** The head of a final response, cleaned of everything that belongs to one hop. */
export interface UpstreamResponse {
  readonly status: number;
  readonly reason: string;
  /** Field lines, each ended by CRLF; no framing and no hop-by-hop fields. */
  readonly fields: string;
  readonly hasDate: boolean;
  /** `Content-Length`: with HEAD and 304 of a body that does not come. */
  readonly length: number | undefined;
  /** False: there is no body, whatever `length` says. */
  readonly hasBody: boolean;
}

/**
 * The client's side. Calls come in the order informational*, response, body*, end, with `flush` behind each batch. `failed`
 * comes instead of a response, `broken` instead of its end. `tunnel` comes instead of a response; `body` then carries
 * what the new protocol says, and `end` that the upstream has said all.
 */
export interface ExchangeClient {
  informational(status: number, fields: string): void;
  response(response: UpstreamResponse): void;
  tunnel(response: UpstreamResponse, upgrade: string): void;
  /** The view is only valid until `flush` returns. */
  body(bytes: Buffer): void;
  /** @param trailers field lines, or an empty string */
  end(trailers: string): void;
  /** Everything of one read has been told. False: the client is full, wait for `resume`. */
  flush(): boolean;
  /** The upstream takes more of the request's body. */
  writable(): void;
  /** No response has begun, and none will come. */
  failed(code: ProblemCode, detail: string): void;
  /** The response, or the tunnel, has begun and ends before its time. */
  broken(detail: string): void;
}

/** The upstream's side: what the client's side may do. Nothing throws, and all is harmless once the exchange is over. */
export interface Exchange {
  /** A piece of the request's body, or of a tunnel. The bytes must not change afterwards. */
  write(bytes: Buffer): void;
  /** The request is complete, or the client's direction of the tunnel. @param trailers field lines, or an empty string */
  finish(trailers: string): void;
  /** Sends what was written since the last call. False: the upstream is full, wait for `writable`. */
  flush(): boolean;
  /** The client takes more of the response. */
  resume(): void;
  /** The client has gone, or is refused: forget everything. */
  abort(): void;
}
