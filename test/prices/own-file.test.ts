import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseOwnPrices } from '../../src/prices/own.ts';
import { OwnPricesFile } from '../../src/prices/own-file.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { usageCall } from './calls.ts';

const perToken = { usd_per_million_tokens: { input: 1, output: 2 } };
const fault = (entry: object) => {
  try {
    parseOwnPrices(JSON.stringify({ prices: [{ model: 'a', ...perToken }, entry] }), new Date());
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing is wrong with it');
};

describe('an own price', () => {
  it('that is wrong is told by its entry and field', () => {
    expect(fault({ ...perToken })).toMatch(/^prices\[1\]\.model: /);
    expect(fault({ model: '', ...perToken })).toMatch(/^prices\[1\]\.model: expects a name/);
    expect(fault({ model: 'a' })).toMatch(/^prices\[1\]: expects one of usd_per_million_tokens/);
    expect(fault({ model: 'a', ...perToken, watts: 1, usd_per_kwh: 1 })).toMatch(/^prices\[1\]: /);
    expect(fault({ model: 'a', watts: 300 })).toBe('prices[1].usd_per_kwh: is missing');
    expect(fault({ model: 'a', usd_per_gpu_hour: -1 })).toMatch(
      /^prices\[1\]\.usd_per_gpu_hour: expects a decimal that is not negative/,
    );
    expect(fault({ model: 'a', usd_per_million_tokens: { input: 'much' } })).toMatch(
      /^prices\[1\]\.usd_per_million_tokens\.input: expects a price/,
    );
    expect(fault({ model: 'a', usd_per_million_tokens: { tokens: 1 } })).toMatch(
      /^prices\[1\]\.usd_per_million_tokens/,
    );
    expect(fault({ model: 'a', ...perToken, from: 'yesterday' })).toMatch(
      /^prices\[1\]\.from: expects a date/,
    );
    expect(fault({ model: 'a', ...perToken, from: '2026-02-01', until: '2026-02-01' })).toBe(
      'prices[1].until: is not after from',
    );
    expect(fault({ model: 'a', ...perToken, gpus: 2 })).toBe(
      'prices[1].gpus: goes with usd_per_gpu_hour',
    );
    expect(fault({ model: 'a', ...perToken, modle: 2 })).toMatch(/^prices\[1\]: .*modle/);
    expect(() => parseOwnPrices('{', new Date())).toThrow(/^is no JSON/);
    expect(() => parseOwnPrices('[]', new Date())).toThrow(/^the file: /);
  });
});

it('prices a long context by its own tier, in whatever order tiers are written', () => {
  const tiers = [
    { over: 400, price: 4 },
    { over: 200, price: 2 },
  ];
  const price = { model: 'm', usd_per_million_tokens: { input: { base: 1, tiers }, output: 1 } };
  const own = parseOwnPrices(JSON.stringify({ prices: [price] }), new Date());
  const pricer = new Pricer(() => own);
  const costs = [200, 201, 400, 401].map((inputTokens) =>
    pricer.price(usageCall({ model: 'm', inputTokens, outputTokens: 0 })),
  );
  expect(costs).toMatchObject(
    [200, 402, 800, 1604].map((millionths) => ({ cost: BigInt(millionths) * 10n ** 12n })),
  );
});

describe('a file of own prices', () => {
  let file: OwnPricesFile | undefined;
  afterEach(() => file?.close());

  it('is read again when it changes, and kept while it is broken', async () => {
    const path = join(temporaryDirectory().path, 'prices.json');
    const write = (text: string) => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    };
    write(JSON.stringify({ prices: [{ model: 'a', ...perToken }] }));
    file = new OwnPricesFile(path);
    const told: { models: string[]; fault: string | undefined }[] = [];
    let ring = () => {};
    file.watch(({ entries }, fault) => {
      told.push({ models: entries.map(({ model }) => model), fault });
      ring();
    });
    const reload = (text: string) =>
      new Promise<void>((resolve) => {
        ring = resolve;
        write(text);
      });
    await reload('{"prices": [{"model": 1}]}');
    await reload(JSON.stringify({ prices: [{ model: 'b', ...perToken }] }));
    expect(told).toEqual([
      { models: ['a'], fault: expect.stringMatching(/prices\.json: prices\[0\]\.model: /) },
      { models: ['b'], fault: undefined },
    ]);
  });

  it('that is not there ends the start with its name', () => {
    expect(() => new OwnPricesFile('/nowhere/prices.json')).toThrow(
      /^TELEMETRY_PRICES_FILE: \/nowhere\/prices\.json: ENOENT/,
    );
  });
});
