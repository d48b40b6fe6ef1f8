import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { startLoad } from '../load/child.ts';
import type { UnaryResult } from '../load/unary.ts';
import { startProgram } from '../peers/beside/peer.ts';
import type { Bench, Case, Contestant } from '../support/bench.ts';
import { measureLoad, whileMeasuring } from '../support/measure.ts';

/** Connections, calls under way on each, and events a call. */
const shapes = [
  { connections: 64, calls: 1, events: 1 },
  { connections: 8, calls: 8, events: 1 },
  { connections: 64, calls: 1, events: 4 },
  { connections: 8, calls: 8, events: 4 },
];

const bareServer = join(import.meta.dirname, '../peers/bare-http2.ts');

/** What a durable call costs beside one that Node's own HTTP/2 reads and answers, and that does nothing else. */
export const grpc: Case = {
  name: 'grpc',
  title:
    'IngestService/Log and LogBatch by gRPC, durable, flat out, beside a server of node:http2 that only reads and answers',
  open: async (bench) => {
    const port = await freePort();
    const bare = await startProgram(
      [process.execPath, '--max-semi-space-size=8', bareServer, String(port)],
      port,
    );
    const contestants = shapes.flatMap((shape): Contestant[] => {
      const method = shape.events === 1 ? 'Log' : `LogBatch of ${shape.events}`;
      const name = (server: string) =>
        `${method}, ${server}, ${shape.connections} × ${shape.calls}`;
      const options = { ...shape, seconds: bench.sizes.seconds, seed: bench.seed };
      return [
        { name: name('durable'), measure: () => measure(bench, options) },
        {
          name: name('bare node:http2'),
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

/** It stores nothing: events that it was sent stand in the place of rows. */
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
