import type { Message } from '@bufbuild/protobuf';
import {
  type Timestamp,
  TimestampSchema,
  timestampDate,
  timestampFromDate,
} from '@bufbuild/protobuf/wkt';
import {
  type AnswerSource,
  AnswerSource_Kind,
  AnswerSourceSchema,
} from '../gen/gravitas/telemetry/v1/answer_pb.js';

/** A message of the contract as plain data: times are Dates, counts are numbers. */
export type Plain<T> = T extends Timestamp
  ? Date
  : T extends bigint
    ? number
    : T extends readonly (infer Each)[]
      ? Plain<Each>[]
      : T extends Message
        ? {
            [Key in keyof T as Exclude<Key, '$typeName' | '$unknown'>]: Key extends 'kind'
              ? AnswerKind
              : Plain<T[Key]>;
          }
        : T extends Record<string, bigint>
          ? Record<string, number>
          : T;

/** Where an answer comes from; empty where the service says something newer. */
export type AnswerKind = '' | 'rows' | 'rollups' | 'rollups_and_rows';

/** A request of the contract as plain data; what is absent is as if it were not said. */
export type Question<T> = T extends Timestamp
  ? Date
  : T extends readonly (infer Each)[]
    ? readonly Question<Each>[]
    : T extends Message
      ? {
          readonly [Key in keyof T as Exclude<Key, '$typeName' | '$unknown'>]?:
            | Question<T[Key]>
            | undefined;
        }
      : T;

const kinds: Readonly<Record<number, AnswerKind>> = {
  [AnswerSource_Kind.ROWS]: 'rows',
  [AnswerSource_Kind.ROLLUPS]: 'rollups',
  [AnswerSource_Kind.ROLLUPS_AND_ROWS]: 'rollups_and_rows',
};

export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const { $typeName, $unknown, ...rest } = value as Partial<Message> & Record<string, unknown>;
  if ($typeName === TimestampSchema.typeName) return timestampDate(value as Timestamp);
  const entries = Object.entries(rest).map(([key, each]) => [key, plain(each)]);
  const made = Object.fromEntries(entries);
  if ($typeName !== AnswerSourceSchema.typeName) return made;
  return { ...made, kind: kinds[(value as AnswerSource).kind] ?? '' };
}

/** What is not given is absent, Dates are Timestamps; metadata stays as it is. */
export function fields(question: object): Record<string, unknown> {
  const given = Object.entries(question).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  return Object.fromEntries(
    given.map(([key, value]) => [key, key === 'metadata' ? value : field(value)]),
  );
}

function field(value: unknown): unknown {
  if (value instanceof Date) return timestampFromDate(value);
  const isPart = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isPart ? fields(value) : value;
}
