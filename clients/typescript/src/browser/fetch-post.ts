import type { HttpRequest, Post, Stream } from '../transport.ts';

/** `keepalive`: the request outlives the page. */
export const fetchPost =
  (keepalive: boolean): Post =>
  async ({ url, headers, body, signal }: HttpRequest) => {
    const answer = await fetch(url, { method: 'POST', headers, body, signal, keepalive });
    return { ...headOf(answer), body: new Uint8Array(await answer.arrayBuffer()) };
  };

/** With an answer that comes piece by piece. */
export const fetchStream: Stream = async ({ url, headers, body, signal }) => {
  const answer = await fetch(url, { method: 'POST', headers, body, signal });
  return { ...headOf(answer), body: piecesOf(answer.body) };
};

const headOf = ({ status, headers }: Response) => ({
  status,
  contentType: headers.get('content-type'),
  retryAfter: headers.get('retry-after'),
});

/** Not every browser can iterate over a stream. */
async function* piecesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  for (;;) {
    const piece = await reader?.read();
    if (!piece || piece.done) return;
    yield piece.value;
  }
}

export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
