import { type Answer, useAnswer } from './answer.ts';
import { query } from './client.ts';

/** Whether anything was ever sent: asked until something was. */
export function useAnythingThere(isKnown: boolean): Answer<boolean> {
  return useAnswer(
    isKnown ? undefined : 'anything there',
    async (signal) => {
      const { events } = await query.listEvents({ pageSize: 1 }, { signal });
      if (events.length > 0) return true;
      const { records } = await query.listUsage({ pageSize: 1 }, { signal });
      return records.length > 0;
    },
    1000,
  );
}
