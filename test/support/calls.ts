import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { uuidv7 } from 'uuidv7';
import {
  type Usage,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { type EncodedBatch, encodeBatch } from '../../src/accept/encode-batch.ts';
import type { Pricer } from '../../src/prices/pricer.ts';

const dayMs = 86_400_000;

export type UsageInit = Exclude<MessageInitShape<typeof UsageSchema>, Usage>;

/** A valid batch of usage records. */
export function usageBatch(
  records: readonly UsageInit[],
  batchId = uuidv7(),
  pricer?: Pricer,
): EncodedBatch {
  const usage = records.map((init) =>
    create(UsageSchema, { model: 'm', timestamp: timestampFromMs(Date.now()), ...init }),
  );
  return encodeBatch(
    { batchId, events: [], usage },
    {
      eventTime: { ageMsMax: 30 * dayMs, aheadMsMax: 3_600_000 },
      batchIdTime: { ageMsMax: 14 * dayMs, aheadMsMax: 3_600_000 },
      ...(pricer && { pricer }),
    },
  );
}
