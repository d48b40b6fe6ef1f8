import { create, toBinary } from '@bufbuild/protobuf';
import { EventSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { type BenchEvent, generateEvents } from './events.ts';

const frameHeaderBytes = 5;
const idTag = 0x0a;
const idBytes = 36;
const eventTag = 0x12;
const timestampTag = 0x32;
const secondsTag = 0x08;
const nanosTag = 0x10;

/**
 * A StreamBatchesRequest in its gRPC frame, encoded once. What differs from one sending to the
 * next is written over it: the batch id, and the seconds of the timestamps.
 */
export class BatchTemplate {
  readonly rows: number;
  readonly #frame: Buffer;
  readonly #secondsAt: Uint32Array;

  private constructor(frame: Buffer, secondsAt: Uint32Array) {
    this.#frame = frame;
    this.#secondsAt = secondsAt;
    this.rows = secondsAt.length;
  }

  static encode(rows: number, seed: number): BatchTemplate {
    const id = [Buffer.from([idTag, idBytes]), Buffer.alloc(idBytes, '0')];
    const parts = [Buffer.alloc(frameHeaderBytes), ...id];
    const secondsAt = new Uint32Array(rows);
    let at = frameHeaderBytes + 2 + idBytes;
    for (const [index, event] of generateEvents(rows, seed).entries()) {
      const nanos = Math.floor((index / rows) * 1_000_000) * 1000;
      const { bytes, secondsOffset } = encodeEvent(event, nanos);
      const head = Buffer.from([eventTag, ...varint(bytes.byteLength)]);
      secondsAt[index] = at + head.byteLength + secondsOffset;
      at += head.byteLength + bytes.byteLength;
      parts.push(head, bytes);
    }
    const frame = Buffer.concat(parts);
    frame.writeUInt32BE(frame.byteLength - frameHeaderBytes, 1);
    return new BatchTemplate(frame, secondsAt);
  }

  /** Another one with bytes of its own. */
  copy(): BatchTemplate {
    return new BatchTemplate(Buffer.from(this.#frame), this.#secondsAt);
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
    return this.#frame;
  }
}

/** The timestamp comes last, its seconds in the five bytes that any time from 1978 to 3058 takes. */
function encodeEvent({ event_type, ...fields }: BenchEvent, nanos: number) {
  const event = toBinary(EventSchema, create(EventSchema, { eventType: event_type, ...fields }));
  const seconds = varint(Math.floor(Date.now() / 1000));
  const timestamp = [secondsTag, ...seconds, nanosTag, ...varint(nanos)];
  const bytes = Buffer.concat([event, Buffer.from([timestampTag, timestamp.length, ...timestamp])]);
  return { bytes, secondsOffset: event.byteLength + 3 };
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
