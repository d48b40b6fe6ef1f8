import { create, toBinary } from '@bufbuild/protobuf';
import {
  LogBatchRequestSchema,
  LogRequestSchema,
  LogUsageRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';

/** Valid records and messages, in JSON and in protobuf, that damage is done to. */
export const event = {
  event_type: 'FUZZ',
  component: 'L1',
  value: 12.5,
  metadata: { gpu_id: 0, names: ['a', 'é'], nested: { total: 24 } },
  status: 'OK',
  timestamp: null,
};
export const usage = {
  model: 'fuzz',
  layer: 'L2',
  input_tokens: 10,
  output_tokens: '5',
  cost_usd: 0.1,
};
export const batch = { batch_id: '', events: [event, event], usage: [usage] };

const eventMessage = { eventType: 'FUZZ', component: 'L1', value: 12.5, status: 'OK' };
const metadata = event.metadata;
const usageMessage = {
  model: 'fuzz',
  layer: 'L2',
  inputTokens: 10n,
  outputTokens: 5n,
  costUsd: 0.1,
};
export const records = [
  toBinary(EventSchema, create(EventSchema, { ...eventMessage, metadata })),
  toBinary(UsageSchema, create(UsageSchema, { ...usageMessage, metadata })),
].map((bytes) => Buffer.from(bytes));
export const messages: Readonly<Record<string, Buffer>> = {
  Log: Buffer.from(
    toBinary(LogRequestSchema, create(LogRequestSchema, { ...eventMessage, metadata })),
  ),
  LogUsage: Buffer.from(
    toBinary(LogUsageRequestSchema, create(LogUsageRequestSchema, usageMessage)),
  ),
  LogBatch: Buffer.from(
    toBinary(
      LogBatchRequestSchema,
      create(LogBatchRequestSchema, { events: [eventMessage], usage: [usageMessage] }),
    ),
  ),
};
