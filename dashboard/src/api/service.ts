import type { GetServiceResponse } from '../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import { type Answer, refreshMs, useAnswer } from './answer.ts';
import { query } from './client.ts';

export const useService = (): Answer<GetServiceResponse> =>
  useAnswer('service', (signal) => query.getService({}, { signal }), refreshMs);
