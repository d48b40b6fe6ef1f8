import { type Timestamp, timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import {
  type KeyLimits as KeyLimitsMessage,
  KeyService,
} from '../../gen/typescript/gravitas/telemetry/v1/key_pb.js';
import { callOf } from '../serve/current-call.ts';
import { FieldDecoder } from '../serve/field-decoder.ts';
import { jsonAnswers } from '../serve/protocol/connect.ts';
import { invalid, type Key, type KeyLimits, stateOf } from './key.ts';
import type { KeyAdmin } from './key-admin.ts';
import type { KeyRing } from './key-ring.ts';

/** `jsonValuesMax`: in one message of JSON. */
export function keyService(
  router: ConnectRouter,
  admin: KeyAdmin,
  ring: KeyRing,
  jsonValuesMax: number,
): void {
  const jsonOptions = { ...jsonAnswers, textDecoder: new FieldDecoder(jsonValuesMax, KeyService) };
  router.service(
    KeyService,
    {
      async createKey({ name, scopes, expiresAt, limits, certificate }, context) {
        const { key, secret } = await admin.create(callOf(context).caller, {
          name,
          scopes: scopes.length === 0 ? ['ingest'] : scopes,
          expiresAt: dateOf(expiresAt),
          certificate,
          limits: limitsOf(limits),
        });
        return { key: keyMessage(key), secret };
      },
      async listKeys() {
        const used = ring.lastUses;
        const keys = [...ring.given, ...(await admin.list())];
        return {
          keys: keys.map((key) =>
            keyMessage({ ...key, lastUsedAt: used.get(key.id) ?? key.lastUsedAt }),
          ),
          uses: ring.uses.map((use) => ({
            name: use.name,
            requests: BigInt(use.requests),
            records: BigInt(use.records.taken),
            recordsRefused: BigInt(use.records.refused),
            bytes: BigInt(use.bytes),
            queries: BigInt(use.queries),
          })),
        };
      },
      async rotateKey({ name, expiresAt }, context) {
        const { caller } = callOf(context);
        const { key, secret } = await admin.rotate(caller, name, dateOf(expiresAt));
        return { key: keyMessage(key), secret };
      },
      async revokeKey({ nameOrId }, context) {
        const keys = await admin.revoke(callOf(context).caller, nameOrId);
        return { keys: keys.map((key) => keyMessage({ ...key, revokedAt: new Date() })) };
      },
    },
    { jsonOptions },
  );
}

function keyMessage(key: Key) {
  const { recordsPerSecond = 0, bytesPerSecond = 0, bufferShare = 0, queryShare = 0 } = key.limits;
  return {
    id: key.id,
    name: key.name,
    scopes: [...key.scopes],
    limits: {
      recordsPerSecond: BigInt(recordsPerSecond),
      bytesPerSecond: BigInt(bytesPerSecond),
      bufferShare,
      queryShare,
    },
    certificate: key.certificate ?? '',
    state: stateOf(key),
    source: key.source,
    ...time('createdAt', key.createdAt),
    ...time('expiresAt', key.expiresAt),
    ...time('revokedAt', key.revokedAt),
    ...time('lastUsedAt', key.lastUsedAt),
  };
}

const time = (name: string, date: Date | undefined) =>
  date === undefined ? {} : { [name]: timestampFromDate(date) };

function dateOf(timestamp: Timestamp | undefined): Date | undefined {
  if (timestamp === undefined) return undefined;
  const date = timestampDate(timestamp);
  // PostgreSQL has no others, and JavaScript fewer.
  if (date.getUTCFullYear() <= 9999 && date.getUTCFullYear() >= 1970) return date;
  throw invalid('expires_at', 'is not between the years 1970 and 9999');
}

function limitsOf(limits: KeyLimitsMessage | undefined): KeyLimits {
  if (!limits) return {};
  const { recordsPerSecond, bytesPerSecond, bufferShare, queryShare } = limits;
  return {
    recordsPerSecond: Number(recordsPerSecond),
    bytesPerSecond: Number(bytesPerSecond),
    bufferShare,
    queryShare,
  };
}
