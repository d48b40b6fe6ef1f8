import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Answer } from '../answers.ts';
import { Circuit } from '../circuit.ts';
import { HttpTransport } from '../http-transport.ts';
import type { Settings } from '../options.ts';
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
    const lines = (await readFile(file)).toString('latin1').split('\n');
    for (const [index, line] of lines.entries()) {
      if (line === '') continue;
      const { delivered, text } = await replayLine(transport, line);
      allDelivered &&= delivered;
      print(`${file}:${index + 1}: ${text}`);
    }
  }
  poster.close();
  return allDelivered;
}

async function replayLine(
  transport: Transport,
  line: string,
): Promise<{ delivered: boolean; text: string }> {
  let batch: Sendable;
  try {
    batch = readLine(Buffer.from(line, 'latin1'));
  } catch (error) {
    return { delivered: false, text: `damaged: ${textOf(error)}` };
  }
  const answer = await deliver(transport, batch);
  if (answer.kind !== 'acknowledged') {
    return { delivered: false, text: `${batch.id} not delivered: ${answer.message}` };
  }
  const rejected = answer.rejected > 0 ? `, ${answer.rejected} rejected` : '';
  return { delivered: true, text: `${batch.id} delivered, ${batch.records} records${rejected}` };
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
