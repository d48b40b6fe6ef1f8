import { Durability } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';

/** What a StreamBatchesResponse says, as far as the load generator wants to know. */
export interface BatchAnswer {
  /** False where the batch was refused, and is worth sending again. */
  acknowledged: boolean;
  spooled: boolean;
  /** Of both kinds. */
  records: number;
}

// Numbers of the fields in ingest.proto.
const ackField = 2;
const errorField = 3;
const durabilityField = 2;
/** Counts of stored events and usage records. */
const storedFields = [4, 5];

/** Reads the message without making one: the library's decoder would cost more than sending does. */
export function readAnswer(bytes: Uint8Array, start: number, end: number): BatchAnswer {
  const answer = { acknowledged: false, spooled: false, records: 0 };
  eachField(bytes, start, end, (field, from, to) => {
    if (field === errorField) answer.acknowledged = false;
    if (field !== ackField) return;
    answer.acknowledged = true;
    eachField(bytes, from, to, (inner, value) => {
      if (inner === durabilityField) answer.spooled = value === Durability.SPOOLED;
      if (storedFields.includes(inner)) answer.records += value;
    });
  });
  return answer;
}

/** Calls back with the value of a number, or with the bounds of what has a length. */
function eachField(
  bytes: Uint8Array,
  start: number,
  end: number,
  found: (field: number, valueOrFrom: number, to: number) => void,
): void {
  let at = start;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < end) {
    const tag = varint();
    const value = varint();
    if ((tag & 7) === 0) {
      found(tag >>> 3, value, at);
    } else {
      found(tag >>> 3, at, at + value);
      at += value;
    }
  }
}
