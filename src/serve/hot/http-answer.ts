import { STATUS_CODES } from 'node:http';
import { secondMs } from '../../units.ts';
import { jsonHeaders } from '../plain-answers.ts';
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

const linesOf = (headers: SentAnswer['headers']): string => {
  let lines = '';
  for (const name in headers) if (name !== 'connection') lines += `${name}: ${headers[name]}\r\n`;
  return lines;
};

/** Of nearly all answers. */
const jsonLines = linesOf(jsonHeaders);

/** An answer as it is written over HTTP/1.1; `idleMsMax`: undefined where it is the connection's last. */
export function httpAnswer(
  { status, headers, body }: SentAnswer,
  idleMsMax: number | undefined,
): Uint8Array | string {
  const lines = headers === jsonHeaders ? jsonLines : linesOf(headers);
  const connection =
    idleMsMax === undefined
      ? 'Connection: close'
      : `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(idleMsMax / secondMs)}`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${lines}${currentDateLine()}${connection}\r\n\r\n`;
  return typeof body === 'string'
    ? head + body
    : Buffer.concat([Buffer.from(head, 'latin1'), body]);
}
