import type { Socket } from 'node:net';
import { refusal } from '@countersign/trust';

/** Long enough for the answer to leave, short enough that nobody lingers. */
const LINGER_MS = 1000;

/** Whether OpenSSL's error says that plain HTTP came to the TLS port. */
export function isPlaintextHttp(code: string): boolean {
  return code === 'ERR_SSL_HTTP_REQUEST';
}

/** Tells a client that speaks plain HTTP to the TLS port what is wrong, in plain HTTP, and closes. */
export function answerPlaintext(socket: Socket, correlationId: string): void {
  const { status, title } = refusal('bad_request');
  const body = JSON.stringify({
    type: 'about:blank',
    title,
    status,
    code: 'bad_request',
    detail: 'This port speaks HTTPS: plain HTTP was sent to it.',
    correlationId,
  });
  socket.on('error', () => socket.destroy());
  socket.setTimeout(LINGER_MS, () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} Bad Request\r\nContent-Type: application/problem+json\r\n` +
      `Countersign-Correlation-Id: ${correlationId}\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
