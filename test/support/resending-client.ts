import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import {
  IngestService,
  type StreamBatchesRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';

type BatchInit = MessageInitShape<typeof StreamBatchesRequestSchema> & { batchId: string };

export interface Delivery {
  /** Batches acknowledged, by id, each with whether the collector knew it already. */
  readonly acknowledged: Map<string, { duplicate: boolean }>;
  /** Streams that broke before everything was acknowledged. */
  readonly brokenStreams: number;
}

/**
 * Streams batches until each is acknowledged: after a broken stream it connects again and sends
 * what is not acknowledged, with the ids that it had.
 */
export async function deliver(
  baseUrl: string,
  batches: readonly BatchInit[],
  onAcknowledged: (count: number) => void = () => {},
): Promise<Delivery> {
  const acknowledged = new Map<string, { duplicate: boolean }>();
  let brokenStreams = 0;
  while (acknowledged.size < batches.length) {
    const client = createClient(IngestService, createGrpcTransport({ baseUrl }));
    const pending = batches.filter(({ batchId }) => !acknowledged.has(batchId));
    try {
      for await (const { ack, error } of client.streamBatches(generate(pending))) {
        if (error) throw new Error(error.message);
        if (ack) acknowledged.set(ack.batchId, { duplicate: ack.duplicate });
        onAcknowledged(acknowledged.size);
      }
    } catch {
      brokenStreams += 1;
      await sleep(50);
    }
  }
  return { acknowledged, brokenStreams };
}

async function* generate(batches: readonly BatchInit[]): AsyncGenerator<BatchInit> {
  yield* batches;
}
