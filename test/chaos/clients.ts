import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import type { Deliveries, Delivery } from './deliveries.ts';
import type { Random } from './random.ts';
import { acknowledged, batchOf, refusalOf, type Send } from './senders.ts';

/** What the clients of a run share. */
export interface Traffic {
  readonly baseUrl: string;
  readonly deliveries: Deliveries;
  /** From here on nothing new is sent. */
  readonly ending: AbortSignal;
  /** From here on nobody tries again. */
  readonly givingUp: AbortSignal;
}

const timeoutMs = 2000;
const streamMsMax = 6000;

/**
 * Sends batches one after the other, each until it is acknowledged, and some of them once more.
 * A few are given up: after a sure refusal, or without knowing.
 */
export async function sendSingly(
  traffic: Traffic,
  name: string,
  send: Send,
  random: Random,
): Promise<void> {
  const records = name === 'rest' ? [1, 0] : [8, 2];
  while (!traffic.ending.aborted) {
    const delivery = traffic.deliveries.create(
      name,
      random.between(1, records[0] as number),
      random.between(0, records[1] as number),
    );
    await untilAcknowledged(traffic, delivery, send, random);
    await sleep(random.between(5, 25));
  }
}

async function untilAcknowledged(
  { deliveries, givingUp }: Traffic,
  delivery: Delivery,
  send: Send,
  random: Random,
): Promise<void> {
  while (!givingUp.aborted) {
    // An impatient client leaves without the answer, and comes back with the same id.
    const patient = !random.chance(0.03);
    const answer = await send(delivery, patient ? timeoutMs : random.between(1, 20));
    const repeated = delivery.state === 'acknowledged';
    deliveries.note(delivery, answer, patient);
    if (repeated || (answer.kind === 'acknowledged' && !random.chance(0.05))) return;
    if (answer.kind === 'overloaded' && delivery.unknownTries === 0 && random.chance(0.3)) {
      delivery.state = 'refused';
      return;
    }
    if (answer.kind === 'unknown' && random.chance(0.02)) {
      delivery.state = 'abandoned';
      return;
    }
    await sleep(random.between(10, 100));
  }
}

/** Streams batches; after a broken stream those that are not acknowledged go first. */
export async function streamBatches(traffic: Traffic, random: Random): Promise<void> {
  let open: Delivery[] = [];
  while (!traffic.givingUp.aborted && (open.length > 0 || !traffic.ending.aborted)) {
    const batches = nextBatches(traffic, 'stream-batches', open, random);
    const unanswered = new Set(batches);
    await inStream(traffic.baseUrl, async (client) => {
      const responses = client.streamBatches(paced(batches), { timeoutMs: streamMsMax });
      for await (const { sequence, ack, error } of responses) {
        const delivery = batches[Number(sequence)] as Delivery;
        unanswered.delete(delivery);
        traffic.deliveries.note(
          delivery,
          ack ? acknowledged(ack, delivery) : refusalOf(error?.code ?? 0),
        );
      }
    });
    for (const delivery of unanswered) traffic.deliveries.note(delivery, { kind: 'unknown' });
    open = batches.filter(({ state }) => state !== 'acknowledged');
    await sleep(random.between(5, 50));
  }
}

/** Streams that are acknowledged as a whole. */
export async function streamEvents(traffic: Traffic, random: Random): Promise<void> {
  let open: Delivery[] = [];
  while (!traffic.givingUp.aborted && (open.length > 0 || !traffic.ending.aborted)) {
    const batches = nextBatches(traffic, 'stream-events', open, random);
    let duplicates = 0;
    const complete = await inStream(traffic.baseUrl, async (client) => {
      const summary = await client.streamEvents(paced(batches), { timeoutMs: streamMsMax });
      if (Number(summary.batches) !== batches.length)
        throw new Error(`${summary.batches} of ${batches.length} batches acknowledged`);
      duplicates = Number(summary.duplicateBatches);
    });
    for (const delivery of batches) {
      const duplicate = duplicates-- > 0;
      traffic.deliveries.note(
        delivery,
        complete ? { kind: 'acknowledged', duplicate, spooled: false } : { kind: 'unknown' },
      );
    }
    open = batches.filter(({ state }) => state !== 'acknowledged');
    await sleep(random.between(5, 50));
  }
}

/** What is not acknowledged yet, what is new, and one that was acknowledged before. */
function nextBatches(
  { deliveries, ending }: Traffic,
  name: string,
  open: readonly Delivery[],
  random: Random,
): Delivery[] {
  const batches = [...open];
  const size = random.between(2, 30);
  while (batches.length < size && !ending.aborted)
    batches.push(deliveries.create(name, random.between(1, 40), random.between(0, 2)));
  const repeated = random.pick(deliveries.all);
  if (repeated?.client === name && repeated.state === 'acknowledged' && !batches.includes(repeated))
    batches.push(repeated);
  return batches;
}

async function* paced(batches: readonly Delivery[]) {
  for (const delivery of batches) {
    yield batchOf(delivery);
    await sleep(15);
  }
}

type Client = ReturnType<typeof createClient<typeof IngestService>>;

/** Runs a call on a connection of its own; resolves with whether it came to its end. */
async function inStream(
  baseUrl: string,
  call: (client: Client) => Promise<void>,
): Promise<boolean> {
  const sessionManager = new Http2SessionManager(baseUrl);
  try {
    await call(createClient(IngestService, createGrpcTransport({ baseUrl, sessionManager })));
    return true;
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return false;
  } finally {
    sessionManager.abort();
  }
}
