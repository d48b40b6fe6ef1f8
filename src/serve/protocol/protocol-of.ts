import { parseMediaType } from '../media-type.ts';
import { connect } from './connect.ts';
import { connectStream } from './connect-stream.ts';
import { grpc } from './grpc.ts';
import { grpcWeb } from './grpc-web.ts';
import type { Protocol } from './protocol.ts';

/** The protocol that a request of a content type speaks; plain HTTP is unary Connect without a contract. */
export function protocolOf(contentType: string | null | undefined): Protocol {
  const essence = parseMediaType(contentType ?? undefined)?.essence ?? '';
  if (essence.startsWith('application/grpc-web')) return grpcWeb;
  if (essence.startsWith('application/grpc')) return grpc;
  if (essence.startsWith('application/connect+')) return connectStream;
  return connect;
}
