import type { Bench, Case } from '../support/bench.ts';
import { measureCopy } from './raw.ts';
import { measureStream } from './stream.ts';

/** Not as many as those whose rate is that of a full load. */
const connections = 4;
const second = 'system_telemetry_component_type_idx';

/** What the index of latest events costs who writes: the same with it and without. */
export const indexes: Case = {
  name: 'indexes',
  title: 'With the index of component and type, and without',
  open: async (bench) => {
    const { postgres } = bench;
    await postgres.reset();
    await measureStream(bench);
    const files = await postgres.copyOut(1);
    const ways = {
      stream: () => measureStream(bench, connections),
      COPY: () => measureCopy(bench, files),
    };
    const contestants = Object.entries(ways).flatMap(([name, measure]) =>
      [true, false].map((isThere) => ({
        name: `${name}, ${isThere ? 'with' : 'without'}`,
        measure: async () => {
          await setSecond(bench, isThere);
          return await measure();
        },
      })),
    );
    return { contestants, close: () => setSecond(bench, true) };
  },
};

/** Of tables that are empty, or to be emptied, it is made at once. */
async function setSecond({ postgres }: Bench, isThere: boolean): Promise<void> {
  await postgres.execute(
    isThere
      ? `create index if not exists ${second} on system_telemetry (component, event_type)`
      : `drop index if exists ${second}`,
  );
}
