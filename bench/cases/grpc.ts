import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { startLoad } from '../load/child.ts';
import type { UnaryResult } from '../load/unary.ts';
import { startProgram } from '../peers/beside/peer.ts';
import type { Bench, Case, Contestant } from '../support/bench.ts';
import { measureLoad, whileMeasuring } from '../support/measure.ts';

/** Connections, and calls under way on each. */
const shapes = [
  { connections: 64, calls: 1 },
  { connections: 8, calls: 8 },
];

const bareServer = join(import.meta.dirname, '../peers/bare-http2.ts');

/** What a durable call costs beside what Node's own HTTP/2 takes for a call that does nothing. */
export const grpc: Case = {
  name: 'grpc',
  title:
    'IngestService/Log by gRPC, durable, flat out, beside a server of node:http2 that only answers',
  open: async (bench) => {
    const port = await freePort();
    const bare = await startProgram(
      [process.execPath, '--max-semi-space-size=8', bareServer, String(port)],
      port,
    );
    const contestants = shapes.flatMap(({ connections, calls }): Contestant[] => {
      const shape = `${connections} × ${calls}`;
      const options = { connections, calls, seconds: bench.sizes.seconds, seed: bench.seed };
      return [
        { name: `durable, ${shape}`, measure: () => measure(bench, options) },
        {
          name: `bare node:http2, ${shape}`,
          measure: () => measureBare(bench, bare.pid, { ...options, port }),
        },
      ];
    });
    return { contestants, close: () => bare.stop('SIGTERM') };
  },
};

async function measure(bench: Bench, options: object) {
  const { port, process } = bench.collector;
  const load = await startLoad<UnaryResult>('unary.ts', { ...options, port }, bench.signal);
  return await measureLoad(bench, process.pid as number, load, figures);
}

/** It stores nothing: calls stand in the place of rows. */
async function measureBare(bench: Bench, pid: number, options: object) {
  const load = await startLoad<UnaryResult>('unary.ts', options, bench.signal);
  const { result, seconds, cpu } = await whileMeasuring(bench, pid, () => load.go());
  const { rows, cpuSeconds } = result;
  return {
    rows,
    seconds,
    cpuSeconds: { client: cpuSeconds, ...cpu },
    figures: figures(result),
  };
}

const figures = ({ p50_ms, p99_ms, refusals }: UnaryResult) => ({ p50_ms, p99_ms, refusals });
