import { create } from '@bufbuild/protobuf';
import { uuidv7 } from 'uuidv7';
import {
  EventSchema,
  type Usage,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { type EncodedBatch, encodeBatch } from '../../src/accept/encode-batch.ts';

const dayMs = 86_400_000;

/** A valid batch of so many events, whose values are their positions. */
export function eventBatch(rows: number, eventType = 'TEST', batchId = uuidv7()): EncodedBatch {
  const events = Array.from({ length: rows }, (_, value) =>
    create(EventSchema, { eventType, component: 'test', value, metadata: { position: value } }),
  );
  const usage: Usage[] = [];
  return encodeBatch(
    { batchId, events, usage },
    {
      eventTime: { ageMsMax: 30 * dayMs, aheadMsMax: 3_600_000 },
      batchIdTime: { ageMsMax: 14 * dayMs, aheadMsMax: 3_600_000 },
    },
  );
}
