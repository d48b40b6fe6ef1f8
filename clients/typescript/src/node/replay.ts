import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Circuit } from '../circuit.ts';
import type { Delivery, Sendable } from '../delivery.ts';
import { HttpDelivery } from '../http-delivery.ts';
import type { Outcome } from '../outcome.ts';
import { nodePost } from './post.ts';
import { readLine } from './spool-lines.ts';

export interface ReplayOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  /** Takes a line for each batch. */
  readonly print: (line: string) => void;
}

/** Delivers files of a spool, which stay where they are. Whether every batch was delivered. */
export async function replay({ url, headers, files, print }: ReplayOptions): Promise<boolean> {
  const { post, close } = nodePost(undefined, false);
  const delivery = new HttpDelivery({ url, headers, post, gzip: promisify(gzip) });
  let allDelivered = true;
  for (const file of files) {
    const lines = (await readFile(file, 'utf8')).split('\n');
    for (const [index, line] of lines.entries()) {
      if (line === '') continue;
      const { delivered, text } = await replayLine(delivery, line);
      allDelivered &&= delivered;
      print(`${file}:${index + 1}: ${text}`);
    }
  }
  close();
  return allDelivered;
}

async function replayLine(
  delivery: Delivery,
  line: string,
): Promise<{ delivered: boolean; text: string }> {
  let batch: Sendable;
  try {
    batch = readLine(line);
  } catch (error) {
    return { delivered: false, text: `damaged: ${error}` };
  }
  const outcome = await deliver(delivery, batch);
  if (outcome.kind !== 'acknowledged') {
    return { delivered: false, text: `${batch.id} not delivered: ${outcome.message}` };
  }
  const rejected = outcome.rejected > 0 ? `, ${outcome.rejected} rejected` : '';
  return { delivered: true, text: `${batch.id} delivered, ${batch.records} records${rejected}` };
}

async function deliver(delivery: Delivery, batch: Sendable): Promise<Outcome> {
  const circuit = new Circuit();
  for (;;) {
    const begunMs = performance.now();
    const outcome = await delivery.send(batch, new AbortController().signal);
    if (outcome.kind !== 'again') return outcome;
    circuit.failed(begunMs, outcome.delayMs);
    if (circuit.isOpen) return outcome;
    await wait(circuit.delayMs);
  }
}
