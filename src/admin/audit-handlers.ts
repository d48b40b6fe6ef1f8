import type { JsonObject } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { AuditService } from '../../gen/typescript/gravitas/telemetry/v1/audit_pb.js';
import { FieldDecoder } from '../serve/field-decoder.ts';
import { jsonAnswers } from '../serve/protocol/connect.ts';
import type { Audit } from './audit.ts';

const limitDefault = 100;

/** `jsonValuesMax`: in one message of JSON. */
export function auditService(router: ConnectRouter, audit: Audit, jsonValuesMax: number): void {
  const textDecoder = new FieldDecoder(jsonValuesMax, AuditService);
  const jsonOptions = { ...jsonAnswers, textDecoder };
  router.service(
    AuditService,
    {
      async listAuditEntries({ limit }) {
        const entries = await audit.list(limit || limitDefault);
        return {
          entries: entries.map(({ recordedAt, caller, action, detail }) => ({
            recordedAt: timestampFromDate(recordedAt),
            caller,
            action,
            detail: detail as JsonObject,
          })),
        };
      },
    },
    { jsonOptions },
  );
}
