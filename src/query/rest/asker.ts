import type { Response } from '../../serve/socket-server.ts';
import type { Asker } from '../ask/snapshot.ts';

/** Whoever waits for a response: he has left when it is closed before it has an end. */
export function asker(response: Response): Asker {
  const left = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) left.abort();
  });
  return left;
}
