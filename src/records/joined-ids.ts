import { newUuidV7Bytes } from '../uuid.ts';

/**
 * Citus gives each shard a range of what PostgreSQL's `uuid_hash` says of an id; as many ranges as
 * are told apart here. Where there are fewer shards, several of them are one shard.
 */
const rangeBits = 5;
/** For so long ids are of one range: for some commits, and not so long that a worker stands alone. */
const rangeMs = 32;
/** Neighbours in time are on workers that are none in space. */
const stride = 5;
const firstRange = Math.floor(Math.random() * 2 ** rangeBits);
/** Each finds the range with a chance of one in 32. */
const triesMax = 256;
const triesBits = 20;
/** Tells ids of both kinds from each other. */
const usageBit = 0x4000_0000;

/**
 * Ids for the few records of a batch whose id is new, and nobody else's: all of it but its last four
 * bytes, which tell its records. What comes at about the same time lies in one shard of a cluster, so
 * that a group of many such batches is one COPY on one worker and not one on each; plain PostgreSQL
 * does not mind. In the order of the records, too.
 */
export class JoinedIds {
  /** More records fill shards by themselves. */
  static readonly recordsMax = 16;
  readonly #bytes: Buffer;
  readonly #first: number;
  readonly #hash: RestHash;
  readonly #range: number;

  constructor(batchId: Uint8Array, kind: 'event' | 'usage') {
    this.#bytes = Buffer.allocUnsafe(16);
    this.#bytes.set(batchId);
    this.#first = kind === 'usage' ? usageBit : 0;
    this.#hash = new RestHash(this.#bytes);
    const time = Math.floor(this.#bytes.readUIntBE(0, 6) / rangeMs);
    this.#range = (firstRange + stride * (time % 2 ** rangeBits)) % 2 ** rangeBits;
  }

  /** The id at a position, valid until the next call. */
  at(index: number): Buffer {
    const first = this.#first + (index << triesBits);
    let end = first;
    while (this.#rangeOf(end) !== this.#range && end < first + triesMax) end += 1;
    this.#bytes.writeUInt32BE(end, 12);
    return this.#bytes;
  }

  #rangeOf(end: number): number {
    // The least hash is the most negative one.
    return (this.#hash.of(end) ^ 0x80000000) >>> (32 - rangeBits);
  }
}

/** So much of two hashes is the same that they are of the same shard, however many there are. */
const neighbourBits = 16;

/** A new id that lies in the same shard of a cluster as another one. */
export function idBeside(other: Uint8Array): Buffer {
  const bytes = Buffer.from(other);
  const wanted = new RestHash(bytes).of(bytes.readUInt32BE(12));
  const id = newUuidV7Bytes();
  const hash = new RestHash(id);
  let end = id.readUInt32BE(12);
  while ((hash.of(end) ^ wanted) >>> (32 - neighbourBits) !== 0) end = (end + 1) >>> 0;
  id.writeUInt32BE(end, 12);
  return id;
}

/**
 * PostgreSQL's hash of ids that begin with the same twelve bytes, by Bob Jenkins:
 * https://burtleburtle.net/bob/c/lookup3.c
 */
class RestHash {
  readonly #a: number;
  readonly #b: number;
  readonly #c: number;

  constructor(id: Buffer) {
    const seed = (0x9e3779b9 + 16 + 3923095) | 0;
    let a = (seed + id.readInt32LE(0)) | 0;
    let b = (seed + id.readInt32LE(4)) | 0;
    let c = (seed + id.readInt32LE(8)) | 0;
    a = ((a - c) | 0) ^ turned(c, 4);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ turned(a, 6);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ turned(b, 8);
    b = (b + a) | 0;
    a = ((a - c) | 0) ^ turned(c, 16);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ turned(a, 19);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ turned(b, 4);
    b = (b + a) | 0;
    this.#a = a;
    this.#b = b;
    this.#c = c;
  }

  /** `end`: what the last four bytes say, the first of them the highest. */
  of(end: number): number {
    let a = (this.#a + reversed(end)) | 0;
    let b = this.#b;
    let c = ((this.#c ^ b) - turned(b, 14)) | 0;
    a = ((a ^ c) - turned(c, 11)) | 0;
    b = ((b ^ a) - turned(a, 25)) | 0;
    c = ((c ^ b) - turned(b, 16)) | 0;
    a = ((a ^ c) - turned(c, 4)) | 0;
    b = ((b ^ a) - turned(a, 14)) | 0;
    return ((c ^ b) - turned(b, 24)) | 0;
  }
}

const turned = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

const reversed = (word: number): number =>
  (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
