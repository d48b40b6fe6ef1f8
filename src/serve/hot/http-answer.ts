import { STATUS_CODES } from 'node:http';
import { secondMs } from '../../units.ts';
import type { SentAnswer } from '../protocol/protocol.ts';

let dateLine = '';
let dateSecond = 0;

function currentDateLine(): string {
  const second = Math.floor(Date.now() / secondMs);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = `Date: ${new Date(second * secondMs).toUTCString()}\r\n`;
  }
  return dateLine;
}

/** An answer as it is written over HTTP/1.1; `idleMsMax`: undefined where it is the connection's last. */
export function httpAnswer(
  { status, headers, body }: SentAnswer,
  idleMsMax: number | undefined,
): Uint8Array | string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  for (const name in headers) if (name !== 'connection') head += `${name}: ${headers[name]}\r\n`;
  head += currentDateLine();
  head +=
    idleMsMax === undefined
      ? 'Connection: close\r\n\r\n'
      : `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(idleMsMax / secondMs)}\r\n\r\n`;
  return typeof body === 'string'
    ? head + body
    : Buffer.concat([Buffer.from(head, 'latin1'), body]);
}
