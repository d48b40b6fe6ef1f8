import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { Code, type ConnectError, createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  IngestService,
  StreamBatchesRequestSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { UsageSchema } from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../../src/accept/encode-batch.ts';
import { listEdition } from '../../src/prices/list.ts';
import { noOwnPrices, parseOwnPrices } from '../../src/prices/own.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { encodeOptions } from '../records/generators.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';
import { metric } from '../support/metrics.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const source = `list@${listEdition.version}/${listEdition.date}`;
const gpt5 = { provider: 'openai', model: 'gpt-5', input_tokens: 1000, output_tokens: 200 };

describe('costs of usage records', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector();
  });
  afterAll(() => telemetry.stop());

  const stored = async (usage: object) => {
    const { status, body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/usage`, usage);
    expect(body).toMatchObject({ success: true });
    expect(status).toBe(200);
    const { rows } = await telemetry.database.pool.query(
      'select cost_usd::text as cost, cost_source as source, ambiguous from usage_stats where id = $1',
      [(body as { id: string }).id],
    );
    return rows[0];
  };

  it('are computed as they are stored, to the last digit', async () => {
    expect(await stored({ ...gpt5, cached_tokens: 3 })).toEqual({
      cost: '0.003246625',
      source,
      ambiguous: null,
    });
  });

  it("are the client's own where it says one, 0 too", async () => {
    const own = { source: 'client', ambiguous: null };
    expect(await stored({ ...gpt5, cost_usd: 0.5 })).toEqual({ cost: '0.5', ...own });
    expect(await stored({ ...gpt5, cost_usd: 0 })).toEqual({ cost: '0', ...own });
  });

  it('are null where nobody knows them', async () => {
    const none = { cost: null, source: null, ambiguous: null };
    expect(await stored({ ...gpt5, provider: '' })).toEqual(none);
    expect(await stored({ ...gpt5, model: 'gpt-of-tomorrow' })).toEqual(none);
    expect(await stored({ ...gpt5, service_tier: 'batch' })).toEqual(none);
    expect(await stored({ ...gpt5, cached_tokens: 1001 })).toEqual({ ...none, ambiguous: true });
  });

  it('are counted by where they are from', async () => {
    const count = (outcome: string) =>
      metric(telemetry.baseUrl, `telemetry_usage_costs_total{outcome="${outcome}"}`);
    const before = await count('unknown_model');
    await stored({ ...gpt5, model: 'nothing' });
    expect(await count('unknown_model')).toBe(before + 1);
    expect(await count('no_price')).toBe(0);
  });

  it('can not be claimed to be computed', async () => {
    const { status, body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/usage`, {
      ...gpt5,
      cost_usd: 1,
      cost_source: source,
    });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('cost_source');
  });

  it.each([
    ['Connect', (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
    [
      'Connect, in protobuf',
      (baseUrl: string) =>
        createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: true }),
    ],
    ['gRPC', (baseUrl: string) => createGrpcTransport({ baseUrl })],
    ['gRPC-Web', (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
  ])("are nobody's to call computed but the collector's, over %s", async (way, open) => {
    const client = createClient(IngestService, open(telemetry.baseUrl));
    const reason = 'is computed, which the collector alone says';
    for (const costSource of [source, 'own@3f2a91c0/2026-11-26', 'list@', 'computed']) {
      const usage = { model: 'lie', costUsd: 1, costSource };
      const single = (await client.logUsage(usage).catch((error) => error)) as ConnectError;
      expect([single.code, single.rawMessage]).toEqual([
        Code.InvalidArgument,
        `cost_source ${reason}`,
      ]);
      const rejection = { field: 'cost_source', reason };
      const batch = await client.logBatch({ usage: [usage, { model: 'truth', costUsd: 1 }] });
      expect(batch).toMatchObject({ usage: 1, rejected: 1, rejections: [rejection] });
      if (way === 'gRPC-Web' || way === 'Connect') continue;
      async function* batches() {
        yield create(StreamBatchesRequestSchema, { usage: [usage] });
      }
      for await (const { ack } of client.streamBatches(batches())) {
        expect(ack).toMatchObject({ rejected: 1, rejections: [rejection] });
      }
    }
    expect(
      await telemetry.database.count(`select count(*) from usage_stats where model = 'lie'`),
    ).toBe(0);
  });
});

describe('own prices', () => {
  it('count in a running collector as soon as the file has them', async () => {
    const path = join(temporaryDirectory().path, 'prices.json');
    const write = (usd: number) => {
      const prices = [{ model: 'qwen3*', usd_per_gpu_hour: usd, gpus: 2 }];
      writeFileSync(`${path}.new`, JSON.stringify({ prices }));
      renameSync(`${path}.new`, path);
    };
    write(1.8);
    const telemetry = await startCollector({ TELEMETRY_PRICES_FILE: path });
    const cost = async () => {
      const usage = { model: 'qwen3:32b', input_tokens: 9, output_tokens: 1, duration_ms: 500 };
      const { body } = await postJson(`${telemetry.baseUrl}/v1/telemetry/usage`, usage);
      const { rows } = await telemetry.database.pool.query(
        'select cost_usd::text as cost from usage_stats where id = $1',
        [body.id],
      );
      return rows[0].cost;
    };
    try {
      expect(await cost()).toBe('0.0005');
      write(3.6);
      await expect.poll(cost, { timeout: 15_000 }).toBe('0.001');
      const { body } = await getJson(`${telemetry.baseUrl}/v1/telemetry/usage/summary`);
      expect(body.own_prices).toMatchObject({ name: 'own', version: expect.any(String) });
    } finally {
      await telemetry.stop();
    }
  });
});

describe('the fingerprint of a batch', () => {
  it('is the same under any prices', () => {
    const file = { prices: [{ model: '*', usd_per_million_tokens: { input: 7, output: 7 } }] };
    const prices = [noOwnPrices, parseOwnPrices(JSON.stringify(file), new Date())];
    const usage = [create(UsageSchema, { provider: 'openai', model: 'gpt-5', inputTokens: 9n })];
    const batches = [undefined, ...prices.map((own) => new Pricer(() => own))].map((pricer) =>
      encodeBatch(
        { batchId: '', events: [], usage },
        { ...encodeOptions, ...(pricer && { pricer }) },
      ),
    );
    expect(
      new Set(batches.map(({ fingerprint }) => Buffer.from(fingerprint).toString('hex'))).size,
    ).toBe(1);
    expect(batches.map(({ costs }) => costs)).toEqual([{}, { list: 1 }, { own: 1 }]);
  });
});
