import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { newUuidV7 } from '../uuid.ts';
import { connect } from './protocol/connect.ts';
import { RequestError } from './request-error.ts';
import type { Tell } from './told-error.ts';

/** By the codes of Node's parser: what is to be answered, and in what words. */
const faults: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the header is larger than headers may be'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the extensions of a chunk are larger than they may be'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the header did not come in time'],
};

/** Ends an HTTP/1.1 connection on which something came that is no request, and says why. */
export type OnUnreadable = (error: NodeJS.ErrnoException, socket: Duplex) => void;

/** There is no request to speak of, but whoever asks about the answer has a name for it. */
export function answerUnreadable(tell: Tell): OnUnreadable {
  return ({ code = '' }, socket) => {
    const [status, text] = faults[code] ?? [400, 'the request is not HTTP'];
    const error = new RequestError('invalid', 'malformed', text, { status });
    const told = tell(error, { requestId: newUuidV7(), reachedHandler: false, code: undefined });
    const { headers, body } = connect.refuse(told, '');
    const lines = Object.entries({
      ...headers,
      'content-length': body.byteLength,
      connection: 'close',
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n`);
    socket.end(body, () => socket.destroy());
  };
}
