import type { HttpRequest, Post } from '../transport.ts';

/** `keepalive`: the request outlives the page. */
export const fetchPost =
  (keepalive: boolean): Post =>
  async ({ url, headers, body, signal }: HttpRequest) => {
    const answer = await fetch(url, { method: 'POST', headers, body, signal, keepalive });
    return {
      status: answer.status,
      contentType: answer.headers.get('content-type'),
      retryAfter: answer.headers.get('retry-after'),
      body: new Uint8Array(await answer.arrayBuffer()),
    };
  };

export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
