import { createContextKey, type Interceptor } from '@connectrpc/connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { grpcWebRefusal, libraryRefusal } from './refusal-reason.ts';
import type { OnRefused } from './refusals.ts';

/** Whether a call has come as far as its handler. */
export const reached = createContextKey({ handler: false });

export const reachedInterceptor: Interceptor = (next) => (request) => {
  request.contextValues.get(reached).handler = true;
  return next(request);
};

const internal = { http: 500, grpc: '13', connect: 'internal' };
const invalidArgument = { http: 400, grpc: '3', connect: 'invalid_argument' };

/**
 * The library calls a message that it can't parse an internal error. Before the handler is
 * reached there is nothing internal that could fail: the request is at fault, and says so.
 */
export function blameRequest(
  response: UniversalServerResponse,
  onRefused: OnRefused,
): UniversalServerResponse {
  if (response.header?.get('content-type')?.startsWith('application/grpc-web')) {
    const blame = (text: string) => {
      const frame = grpcWebTrailer(text);
      const reason = grpcWebRefusal(frame);
      if (reason) onRefused(reason);
      return frame;
    };
    return { ...response, body: mapBytes(response.body, blame) };
  }
  const answer = blameInHeader(response);
  const reason = libraryRefusal(answer);
  if (reason) onRefused(reason);
  return answer;
}

function blameInHeader(response: UniversalServerResponse): UniversalServerResponse {
  if (response.trailer?.get('grpc-status') === internal.grpc) {
    response.trailer.set('grpc-status', invalidArgument.grpc);
    return response;
  }
  if (response.status !== internal.http) return response;
  response.header?.delete('content-length');
  return { ...response, status: invalidArgument.http, body: mapBytes(response.body, connectError) };
}

const connectError = (json: string) =>
  json.replace(`"code":"${internal.connect}"`, `"code":"${invalidArgument.connect}"`);

/** The trailer is a frame whose length is already written: the digit that goes leaves a space. */
const grpcWebTrailer = (frame: string) =>
  frame.replace(`grpc-status: ${internal.grpc}`, `grpc-status:  ${invalidArgument.grpc}`);

async function* mapBytes(
  body: UniversalServerResponse['body'],
  change: (text: string) => string,
): AsyncGenerator<Uint8Array> {
  for await (const bytes of body ?? []) {
    yield Buffer.from(change(Buffer.from(bytes).toString('latin1')), 'latin1');
  }
}
