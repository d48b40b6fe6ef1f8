import type { WholeAnswer } from './protocol/protocol.ts';
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
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  // As a string it is written at once with the header.
  response.end(body);
}

export function sendJson(
  response: Response,
  status: number,
  value: unknown,
  headers: Headers = {},
) {
  send(response, status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
}

export const sendWhole = (response: Response, { status, headers, body }: WholeAnswer) =>
  send(response, status, headers, body);
