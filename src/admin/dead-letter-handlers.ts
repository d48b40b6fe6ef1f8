import type { JsonObject } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { DeadLetterService } from '../../gen/typescript/gravitas/telemetry/v1/dead_letter_pb.js';
import { callOf } from '../serve/current-call.ts';
import { FieldDecoder } from '../serve/field-decoder.ts';
import { jsonAnswers } from '../serve/protocol/connect.ts';
import type { Audit } from './audit.ts';
import { checkIds, type DeadLetters } from './dead-letters.ts';

const limitDefault = 100;

/** `jsonValuesMax`: in one message of JSON. */
export function deadLetterService(
  router: ConnectRouter,
  deadLetters: DeadLetters,
  audit: Audit,
  jsonValuesMax: number,
): void {
  const textDecoder = new FieldDecoder(jsonValuesMax, DeadLetterService);
  const jsonOptions = { ...jsonAnswers, textDecoder };
  router.service(
    DeadLetterService,
    {
      async listDeadLetters({ limit }) {
        const { letters, total } = await deadLetters.list(limit || limitDefault);
        return {
          deadLetters: letters.map((letter) => ({
            id: letter.id,
            batchId: letter.batch_id,
            tableName: letter.table_name,
            reason: letter.reason,
            payload: letter.payload as JsonObject,
            createdAt: timestampFromDate(letter.created_at),
          })),
          total: BigInt(total),
        };
      },
      async replayDeadLetters({ ids }, context) {
        checkIds(ids);
        await audit.record(callOf(context).caller, 'dead letters replayed', { ids });
        const { replayed, failures } = await deadLetters.replay(ids);
        return { replayed, failures: [...failures] };
      },
      async dropDeadLetters({ ids }, context) {
        checkIds(ids);
        await audit.record(callOf(context).caller, 'dead letters dropped', { ids });
        return { dropped: await deadLetters.drop(ids) };
      },
    },
    { jsonOptions },
  );
}
