import { HttpTransport } from '../http-transport.ts';
import type { Settings } from '../options.ts';
import type { Sender } from '../sender.ts';
import type { HttpRequest } from '../transport.ts';
import { fetchPost } from './fetch-post.ts';

/** Browsers let so many bytes outlive a page, over all its requests. */
const keepaliveBytesMax = 60 * 1024;

/** Sends what waits when the page is hidden, which may be the last that it hears of. */
export function beforeEnd(sender: Sender, settings: Settings): () => void {
  const transport = lastingTransport(settings);
  const send = () => sender.handOver(transport, keepaliveBytesMax / 4);
  const sendHidden = () => {
    if (document.visibilityState === 'hidden') send();
  };
  globalThis.addEventListener?.('pagehide', send);
  globalThis.document?.addEventListener('visibilitychange', sendHidden);
  return () => {
    globalThis.removeEventListener?.('pagehide', send);
    globalThis.document?.removeEventListener('visibilitychange', sendHidden);
  };
}

/** Compression would take longer than a page has. */
function lastingTransport({ url, headers }: Settings): HttpTransport {
  let left = keepaliveBytesMax;
  const post = async (request: HttpRequest) => {
    const { length } = request.body;
    if (length > left) return fetchPost(false)(request);
    left -= length;
    try {
      return await fetchPost(true)(request);
    } finally {
      left += length;
    }
  };
  return new HttpTransport({ url, headers, poster: { post, close: () => {} } });
}
