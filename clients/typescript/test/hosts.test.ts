import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { nodeReleases } from './support/nodes.ts';
import { startProgram } from './support/program.ts';

/** Clauses 1.1 and 5.6: what a client costs the program that it is in. */
let collector: TestCollector;
let spool: string;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.stop());
beforeEach(() => {
  spool = temporaryDirectory().path;
});

describe.each(nodeReleases())('with Node $version', ({ path }) => {
  it.each(['spool', 'none'])(
    '1.1 nothing holds up the program: %s, the service away',
    async (fallback) => {
      const env = {
        TELEMETRY_URL: 'http://127.0.0.1:9',
        TELEMETRY_SPOOL_DIRECTORY: spool,
        TELEMETRY_FALLBACK: fallback,
      };
      const program = startProgram('no-waiting.mjs', env, path);
      const { held, taken, spooled } = JSON.parse(await program.nextLine());
      expect({ held, taken, spooled }).toEqual({
        held: [],
        taken: 101,
        spooled: fallback === 'spool' ? 100 : 0,
      });
      expect(await program.ended).toEqual({ code: 0, signal: null });
      expect(readdirSync(spool)).toHaveLength(fallback === 'spool' ? 1 : 0);
    },
  );

  it.each(['http', 'grpc'])('5.6 closing gives everything back: %s', async (transport) => {
    const env = {
      TELEMETRY_URL: collector.baseUrl,
      TELEMETRY_SPOOL_DIRECTORY: spool,
      TELEMETRY_TRANSPORT: transport,
    };
    const program = startProgram('closing.mjs', env, path);
    await program.nextLine();
    const { before, after } = JSON.parse(await program.nextLine());
    expect(after).toEqual(before);
    expect(await program.ended).toEqual({ code: 0, signal: null });
  });

  it.each(['stdout', 'logging', 'spool'])(
    '5.6 nothing is said into a stream that is closed: %s',
    async (fallback) => {
      const file = new URL('./programs/log-and-end.mjs', import.meta.url).pathname;
      // Its output goes nowhere, and what it says of that is seen.
      const shell = `"$0" "$1" >&- 2>&-; echo "ended $?"; ( "$0" "$1" | true ) 2>&1`;
      const child = spawn('sh', ['-c', shell, path, file], {
        env: {
          ...process.env,
          TELEMETRY_URL: 'http://127.0.0.1:9',
          TELEMETRY_SPOOL_DIRECTORY: spool,
          TELEMETRY_FALLBACK: fallback,
          ...{ COMPONENT: 'closed', COUNT: '20', END: 'natural' },
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
      expect(said).toMatch(/^ended 0\n(gravitas-telemetry: .*\n)?$/);
    },
  );
});
