import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Answer } from '../answers.ts';
import { Circuit } from '../circuit.ts';
import { HttpTransport } from '../http-transport.ts';
import type { Settings } from '../options.ts';
import { split } from '../split.ts';
import { textOf } from '../texts.ts';
import type { Sendable, Transport } from '../transport.ts';
import { nodePoster } from './post.ts';
import { readLine } from './spool-lines.ts';
import { tlsOf } from './tls-files.ts';

export interface ReplayOptions {
  readonly settings: Settings;
  readonly files: readonly string[];
  /** Takes a line for each batch. */
  readonly print: (line: string) => void;
}

/** Delivers files of a spool, which stay where they are. Whether every batch was delivered. */
export async function replay({ settings, files, print }: ReplayOptions): Promise<boolean> {
  const { url, headers } = settings;
  const poster = nodePoster(tlsOf(settings), false);
  const transport = new HttpTransport({ url, headers, poster, gzip: promisify(gzip) });
  let allDelivered = true;
  for (const file of files) {
    // Every file is read, whatever became of the one before.
    for await (const { delivered, text } of replayFile(transport, file)) {
      allDelivered &&= delivered;
      print(text);
    }
  }
  poster.close();
  return allDelivered;
}

interface Outcome {
  readonly delivered: boolean;
  readonly text: string;
}

async function* replayFile(transport: Transport, file: string): AsyncGenerator<Outcome> {
  let lines: string[] = [];
  try {
    lines = (await readFile(file)).toString('latin1').split('\n');
  } catch (error) {
    yield { delivered: false, text: textOf(error) };
  }
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    for await (const { delivered, text } of replayLine(transport, line)) {
      yield { delivered, text: `${file}:${index + 1}: ${text}` };
    }
  }
}

async function* replayLine(transport: Transport, line: string): AsyncGenerator<Outcome> {
  let batch: Sendable;
  try {
    batch = readLine(Buffer.from(line, 'latin1'));
  } catch (error) {
    yield { delivered: false, text: `damaged: ${textOf(error)}` };
    return;
  }
  yield* replayBatch(transport, batch);
}

/** What became of the batch, or of the parts that it had to be split into. */
async function* replayBatch(transport: Transport, batch: Sendable): AsyncGenerator<Outcome> {
  const answer = await deliver(transport, batch);
  if (answer.kind === 'acknowledged') {
    const rejected = answer.rejected > 0 ? `, ${answer.rejected} rejected` : '';
    const text = `${batch.id} delivered, ${batch.records} records${rejected}`;
    yield { delivered: true, text };
  } else if (answer.kind === 'tooLarge' && batch.records > 1) {
    for (const half of await split(batch)) yield* replayBatch(transport, half);
  } else {
    yield { delivered: false, text: `${batch.id} not delivered: ${answer.message}` };
  }
}

async function deliver(transport: Transport, batch: Sendable): Promise<Answer> {
  const circuit = new Circuit();
  for (;;) {
    const begunMs = performance.now();
    const answer = await transport.send(batch, new AbortController().signal);
    if (answer.kind !== 'tryAgain') return answer;
    circuit.failed(begunMs, answer.delayMs);
    if (circuit.isOpen) return answer;
    await wait(circuit.delayMs);
  }
}
