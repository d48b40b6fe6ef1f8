import type { SentAnswer } from './protocol/protocol.ts';
import type { Response } from './socket-server.ts';

export type Headers = Readonly<Record<string, string | number>>;

/** Sends an answer, unless another one is under way: that can only be ended. */
export function send(
  response: Response,
  status: number,
  headers: Headers,
  body: string | Uint8Array,
) {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (body.length === 0 && 'stream' in response) {
    sendHeadOnly(response, status, headers);
    return;
  }
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  // As a string it is written at once with the header.
  response.end(body);
}

/**
 * On HTTP/2 the header itself says that there is no more: clients of gRPC take an empty body that
 * says so for a broken stream.
 */
function sendHeadOnly(response: Response, status: number, headers: Headers): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end();
}

/** Of an answer that the library would compress if it were larger. */
export const jsonHeaders = { 'content-type': 'application/json', vary: 'accept-encoding' };

export function sendJson(
  response: Response,
  status: number,
  value: unknown,
  headers: Headers = {},
) {
  send(response, status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
}

export const sendWhole = (response: Response, { status, headers, body }: SentAnswer) =>
  send(response, status, headers, body);
