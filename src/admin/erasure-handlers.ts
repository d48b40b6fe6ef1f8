import type { ConnectRouter } from '@connectrpc/connect';
import type pg from 'pg';
import { ErasureService } from '../../gen/typescript/gravitas/telemetry/v1/erasure_pb.js';
import { Writer } from '../commit/writer.ts';
import { callOf } from '../serve/current-call.ts';
import { FieldDecoder } from '../serve/field-decoder.ts';
import { jsonAnswers } from '../serve/protocol/connect.ts';
import type { Audit } from './audit.ts';
import { erase, subjectOf } from './erase.ts';

/** `pool`: of connections that commits don't wait for. `jsonValuesMax`: in one message of JSON. */
export function erasureService(
  router: ConnectRouter,
  pool: pg.Pool,
  audit: Audit,
  jsonValuesMax: number,
): void {
  const writer = new Writer(pool);
  const textDecoder = new FieldDecoder(jsonValuesMax, ErasureService);
  const jsonOptions = { ...jsonAnswers, textDecoder };
  router.service(
    ErasureService,
    {
      async eraseRecords({ userId, sessionId, dryRun }, context) {
        const subject = subjectOf({ user_id: userId, session_id: sessionId });
        const { caller } = callOf(context);
        const erased = await erase(writer, audit, caller, subject, dryRun);
        return {
          erased: Object.entries(erased).map(([tableName, rows]) => ({
            tableName,
            rows: BigInt(rows),
          })),
        };
      },
    },
    { jsonOptions },
  );
}
