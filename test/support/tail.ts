import type { MessageInitShape } from '@bufbuild/protobuf';
import { createClient, type Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { expect } from 'vitest';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import type {
  TailRecord,
  TailRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/tail_pb.js';

export interface TestTail {
  readonly records: TailRecord[];
  /** Event types, or models of usage, in the order in which they came. */
  readonly names: string[];
  readonly skipped: number;
  /** Resolves when it ends, with what it ends with. */
  readonly ending: Promise<unknown>;
  until(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** A stream of Tail that has its place. */
export async function openTail(
  server: string | Transport,
  request: MessageInitShape<typeof TailRequestSchema> = {},
): Promise<TestTail> {
  const transport = typeof server === 'string' ? createGrpcTransport({ baseUrl: server }) : server;
  const leave = new AbortController();
  const records: TailRecord[] = [];
  const placed = Promise.withResolvers<void>();
  let skipped = 0;
  const run = async () => {
    const responses = createClient(QueryService, transport).tail(request, {
      signal: leave.signal,
    });
    for await (const response of responses) {
      records.push(...response.records);
      skipped += Number(response.skipped);
      expect(Number(response.skippedInAll)).toBe(skipped);
      placed.resolve();
    }
  };
  const ending = run().then(
    () => 'a success',
    (error) => {
      placed.resolve();
      return error;
    },
  );
  await placed.promise;
  const names = () =>
    records.map(({ record }) =>
      record.case === 'usage' ? record.value.model : (record.value?.eventType ?? ''),
    );
  return {
    records,
    get names() {
      return names();
    },
    get skipped() {
      return skipped;
    },
    ending,
    until: async (count) => {
      await expect
        .poll(() => records.length + skipped, { timeout: 15_000, interval: 20 })
        .toBe(count);
    },
    stop: async () => {
      leave.abort();
      await ending;
    },
  };
}
