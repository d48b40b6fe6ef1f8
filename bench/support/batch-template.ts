import { type DescMessage, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { generateEvents } from './events.ts';
import { generateUsage, idPlaceholder, newResponseId, type UsageShape } from './usage.ts';

const frameHeaderBytes = 5;
const idTag = 0x0a;
const idBytes = 36;
/** Of a record in its batch, and of the timestamp in the record. */
const kinds = {
  event: { tag: 0x12, timestampTag: 0x32, schema: EventSchema },
  usage: { tag: 0x1a, timestampTag: 0x72, schema: UsageSchema },
};
const secondsTag = 0x08;
const nanosTag = 0x10;

/**
 * A StreamBatchesRequest in its gRPC frame, encoded once. What differs from one sending to the
 * next is written over it: the batch id, the seconds of the timestamps, and the ids of calls.
 */
export class BatchTemplate {
  readonly rows: number;
  readonly #frame: Buffer;
  readonly #secondsAt: Uint32Array;
  /** Where records have ids of calls. */
  readonly #callIdsAt: readonly number[];

  private constructor(frame: Buffer, secondsAt: Uint32Array, callIdsAt: readonly number[]) {
    this.#frame = frame;
    this.#secondsAt = secondsAt;
    this.#callIdsAt = callIdsAt;
    this.rows = secondsAt.length;
  }

  /** Of events, of so many components, or of usage records of a shape. */
  static encode(
    rows: number,
    seed: number,
    { usage, components }: { usage?: UsageShape; components?: number } = {},
  ): BatchTemplate {
    const id = [Buffer.from([idTag, idBytes]), Buffer.alloc(idBytes, '0')];
    const parts = [Buffer.alloc(frameHeaderBytes), ...id];
    const secondsAt = new Uint32Array(rows);
    const kind = usage === undefined ? kinds.event : kinds.usage;
    const records =
      usage === undefined
        ? generateEvents(rows, seed, components)
        : generateUsage(rows, seed, usage);
    let at = frameHeaderBytes + 2 + idBytes;
    for (const [index, record] of records.entries()) {
      const nanos = Math.floor((index / rows) * 1_000_000) * 1000;
      const { bytes, secondsOffset } = encodeRecord(kind, { ...record }, nanos);
      const head = Buffer.from([kind.tag, ...varint(bytes.byteLength)]);
      secondsAt[index] = at + head.byteLength + secondsOffset;
      at += head.byteLength + bytes.byteLength;
      parts.push(head, bytes);
    }
    const frame = Buffer.concat(parts);
    frame.writeUInt32BE(frame.byteLength - frameHeaderBytes, 1);
    return new BatchTemplate(frame, secondsAt, usage === 'claimed' ? callIdsIn(frame) : []);
  }

  /** Another one with bytes of its own. */
  copy(): BatchTemplate {
    return new BatchTemplate(Buffer.from(this.#frame), this.#secondsAt, this.#callIdsAt);
  }

  /** The frame of a batch, valid until the next call. */
  frameOf(batchId: string, seconds: number): Buffer {
    this.#frame.write(batchId, frameHeaderBytes + 2, 'latin1');
    const [a, b, c, d, e] = varint(seconds) as [number, number, number, number, number];
    for (const at of this.#secondsAt) {
      this.#frame[at] = a;
      this.#frame[at + 1] = b;
      this.#frame[at + 2] = c;
      this.#frame[at + 3] = d;
      this.#frame[at + 4] = e;
    }
    for (const [index, at] of this.#callIdsAt.entries()) {
      this.#frame.write(newResponseId(batchId, index), at, 'latin1');
    }
    return this.#frame;
  }
}

function callIdsIn(frame: Buffer): number[] {
  const found: number[] = [];
  const from = frameHeaderBytes + 2 + idBytes;
  for (let at = frame.indexOf(idPlaceholder, from); at >= 0; ) {
    found.push(at);
    at = frame.indexOf(idPlaceholder, at + idPlaceholder.length);
  }
  return found;
}

interface Kind {
  readonly schema: DescMessage;
  readonly timestampTag: number;
}

/** The timestamp comes last, its seconds in the five bytes that any time from 1978 to 3058 takes. */
function encodeRecord({ schema, timestampTag }: Kind, record: JsonObject, nanos: number) {
  const body = toBinary(schema, fromJson(schema, record));
  const seconds = varint(Math.floor(Date.now() / 1000));
  const timestamp = [secondsTag, ...seconds, nanosTag, ...varint(nanos)];
  const bytes = Buffer.concat([body, Buffer.from([timestampTag, timestamp.length, ...timestamp])]);
  return { bytes, secondsOffset: body.byteLength + 3 };
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
