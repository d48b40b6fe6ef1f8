import type { Call } from '../../serve/call.ts';
import { keyNameOf } from '../../serve/caller.ts';
import type { Response } from '../../serve/socket-server.ts';
import type { Asker } from '../ask/snapshot.ts';

/** Whoever waits for a response: he has left when it is closed before we have ended it. */
export function asker(call: Call, response: Response): Asker {
  const left = new AbortController();
  response.once('close', () => {
    if (!response.writableEnded) left.abort();
  });
  return { signal: left.signal, keyName: keyNameOf(call.caller) };
}
