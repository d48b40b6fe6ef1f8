/** A valid exchange on HTTP/1.1: two posts on one connection, the second one chunked. */
export function http1Bytes(body: object): Buffer {
  const json = JSON.stringify(body);
  const head =
    'POST /v1/telemetry/log HTTP/1.1\r\nhost: fuzz\r\ncontent-type: application/json\r\n';
  const chunked = `transfer-encoding: chunked\r\n\r\n${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`;
  return Buffer.from(`${head}content-length: ${json.length}\r\n\r\n${json}${head}${chunked}`);
}

/** One post on HTTP/1.0, which knows no host. */
export function http10Bytes(body: object): Buffer {
  const json = JSON.stringify(body);
  const head = 'POST /v1/telemetry/log HTTP/1.0\r\ncontent-type: application/json\r\n';
  return Buffer.from(`${head}content-length: ${json.length}\r\n\r\n${json}`);
}

/** A valid exchange on HTTP/2: settings, a ping, and one gRPC call. */
export function http2Bytes(path: string, message: Buffer): Buffer {
  const header = Buffer.concat(
    [
      [':method', 'POST'],
      [':scheme', 'http'],
      [':path', path],
      [':authority', 'fuzz'],
      ['content-type', 'application/grpc'],
      ['te', 'trailers'],
    ].map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)])),
  );
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(4, 0, 0, Buffer.from('000300000064', 'hex')),
    frame(6, 0, 0, Buffer.alloc(8)),
    frame(1, 4, 1, header),
    frame(0, 1, 1, message),
    frame(8, 0, 0, Buffer.of(0, 0, 1, 0)),
  ]);
}

const text = (value = '') => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Whether an answer on a raw connection has a status of 5xx, in either protocol. */
export function hasServerError(answer: Buffer): boolean {
  if (answer.includes('HTTP/1.1 5')) return true;
  if (answer.subarray(0, 4).equals(Buffer.from('HTTP'))) return false;
  for (let at = 0; at + 9 < answer.length; at += 9 + answer.readUIntBE(at, 3)) {
    // HPACK's index of ":status 500".
    if (answer[at + 3] === 1 && answer[at + 9] === 0x8e) return true;
  }
  return false;
}
