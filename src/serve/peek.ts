import type net from 'node:net';
import { handshakeByte } from './tls/tls-front.ts';

export type PeekedProtocol = 'tls' | 'h2' | 'http/1.1';

/** What an HTTP/2 connection begins with; no HTTP/1.1 method does. */
const http2Preface = Buffer.from('PRI');

/**
 * Tells by its first bytes what a connection speaks, and gives them, with the socket paused. One
 * that does not say so within `msMax` is closed.
 */
export function peek(
  socket: net.Socket,
  msMax: number,
  takesTls: boolean,
  found: (protocol: PeekedProtocol, seen: Buffer) => void,
): void {
  let seen = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk]);
    const protocol = protocolOf(seen, takesTls);
    if (protocol === undefined) return;
    socket.off('data', onData);
    socket.pause();
    socket.setTimeout(0);
    socket.removeAllListeners('timeout');
    found(protocol, seen);
  };
  socket.setTimeout(msMax, () => socket.destroy());
  socket.on('data', onData);
}

/** Undefined while more bytes have to come before that is known. */
function protocolOf(seen: Buffer, takesTls: boolean): PeekedProtocol | undefined {
  if (takesTls && seen[0] === handshakeByte) return 'tls';
  const length = Math.min(seen.length, http2Preface.length);
  if (!seen.subarray(0, length).equals(http2Preface.subarray(0, length))) return 'http/1.1';
  return length < http2Preface.length ? undefined : 'h2';
}
