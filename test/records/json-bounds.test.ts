import { describe, expect, it } from 'vitest';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import { readJsonBatch, readNdjson } from '../../src/accept/read-json.ts';
import { encodeOptions } from './generators.ts';

const rowsMax = 10_000;
const bytes = 512 * 1024 - 1024;
/** Some ten times what it takes; work that grows with the square of the bytes takes seconds. */
const cpuMsMax = 200;

/** Parts of one kind, to so many bytes of them. */
function filled(bytes: number, part: (index: number) => string): string {
  const parts: string[] = [];
  for (let length = 0; length < bytes; length += (parts.at(-1)?.length ?? 0) + 1) {
    parts.push(part(parts.length));
  }
  return parts.join();
}

const event = (fields: string) => `{"events":[{"event_type":"A",${fields}}]}`;

/** Records that are as much work as their bytes can make. */
const shapes: Readonly<Record<string, (bytes: number) => string>> = {
  'keys of metadata': (bytes) => event(`"metadata":{${filled(bytes, (index) => `"k${index}":1`)}}`),
  'keys of metadata that are the same': (bytes) =>
    event(`"metadata":{${filled(bytes, () => '"k":1')}}`),
  numbers: (bytes) => event(`"metadata":{"a":[${filled(bytes, () => '1')}]}`),
  'numbers with exponents': (bytes) => event(`"metadata":{"a":[${filled(bytes, () => '1e1')}]}`),
  'a number of many digits': (bytes) => event(`"metadata":{"a":1.${'1'.repeat(bytes)}}`),
  'escapes in metadata': (bytes) =>
    event(`"metadata":{"a":"${String.raw`\ud800`.repeat(bytes / 6)}"}`),
  'escapes in a text': (bytes) => event(`"component":"${String.raw`\u0000`.repeat(bytes / 6)}"`),
  'a text of many bytes': (bytes) => event(`"status":"${'検'.repeat(bytes / 3)}"`),
  'unknown fields': (bytes) => event(filled(bytes, (index) => `"k${index}":{}`)),
  'unknown fields with escapes': (bytes) => event(filled(bytes, () => String.raw`"\u006b":1`)),
  'a fault behind everything else': (bytes) =>
    event(`"metadata":{"a":[${filled(bytes, () => '{"b":[]}')},1e400]}`),
  nesting: (bytes) => event(`"x":${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)}`),
};

/** The least milliseconds of processor time, of some tries, that it takes. */
function leastMs(work: () => void): number {
  const tries = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...tries);
}

describe('a body that is as much work as its bytes can make', () => {
  it.each(Object.entries(shapes))('does not hold up others: %s', (_, shape) => {
    const body = Buffer.from(shape(bytes));
    const read = () =>
      encodeBatch(readJsonBatch(body, { rowsMax, mayBeEmpty: false }), encodeOptions);
    const { stored, rejected } = read().answer;
    expect(stored.event + rejected.event).toBeGreaterThan(0);
    expect(leastMs(read)).toBeLessThan(cpuMsMax);
  });

  it('does not hold up others: lines that are no JSON, each by itself', () => {
    const body = Buffer.from('{"a":"\n'.repeat(rowsMax));
    const read = () => encodeBatch(readNdjson(body, rowsMax), encodeOptions);
    expect(read().answer.rejected.event).toBe(rowsMax);
    expect(leastMs(read)).toBeLessThan(cpuMsMax);
  });

  it('is counted before anything is made of it, where its records are too many', () => {
    const body = Buffer.from(`[${'1,'.repeat(1_000_000)}1]`);
    const read = () => readJsonBatch(body, { rowsMax, mayBeEmpty: false });
    expect(read().events).toHaveLength(1_000_001);
    expect(leastMs(read)).toBeLessThan(cpuMsMax);
  });
});
