import { readFileSync } from 'node:fs';
import { calcPrice } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAmbiguous } from '../../src/prices/cost.ts';
import { decimalText, parseDecimal } from '../../src/prices/decimal.ts';
import { listEdition, listedModels, PriceList } from '../../src/prices/list.ts';
import { noOwnPrices, type OwnPrices, parseOwnPrices } from '../../src/prices/own.ts';
import { Pricer } from '../../src/prices/pricer.ts';
import { providerName } from '../../src/prices/provider.ts';
import { usageCall } from './calls.ts';

const models = await listedModels();
const pricer = new Pricer(() => noOwnPrices);
const tokens = fc.nat(400_000);
const anyCall = fc
  .record({
    listed: fc.constantFrom(...models),
    fresh: tokens,
    cachedTokens: tokens,
    cacheWriteTokens: tokens,
    hour: fc.double({ min: 0, max: 1, noNaN: true }),
    outputTokens: tokens,
    thought: fc.double({ min: 0, max: 1, noNaN: true }),
    timeMs: fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 5, 1) }),
  })
  .map(({ listed, fresh, hour, thought, ...rest }) =>
    usageCall({
      ...rest,
      provider: listed.provider,
      model: listed.model,
      inputTokens: fresh + rest.cachedTokens + rest.cacheWriteTokens,
      cacheWrite1hTokens: Math.floor(hour * rest.cacheWriteTokens),
      reasoningTokens: Math.floor(thought * rest.outputTokens),
    }),
  );

describe('the list', () => {
  it('is the edition that is installed', () => {
    const manifest = new URL(
      '../../node_modules/@pydantic/genai-prices/package.json',
      import.meta.url,
    );
    expect(listEdition.version).toBe(JSON.parse(readFileSync(manifest, 'utf8')).version);
  });

  it('is read as the library reads it', () => {
    let compared = 0;
    fc.assert(
      fc.property(anyCall, (call) => {
        const ours = pricer.price(call);
        if (typeof ours === 'string') return;
        const theirs = calcPrice(
          {
            input_tokens: call.inputTokens,
            cache_read_tokens: call.cachedTokens,
            cache_write_tokens: call.cacheWriteTokens,
            cache_write_1h_tokens: call.cacheWrite1hTokens,
            output_tokens: call.outputTokens,
            output_reasoning_tokens: call.reasoningTokens,
          },
          call.model,
          { providerId: call.provider, timestamp: new Date(call.timeMs) },
        );
        compared += 1;
        expect(Number(decimalText(ours.cost))).toBeCloseTo(theirs?.total_price ?? Number.NaN, 9);
      }),
      { numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(500);
  });
});

describe('a model', () => {
  const mutated = fc
    .tuple(
      fc.constantFrom(...models),
      fc.constantFrom('', 'us.', 'openai/', 'x', '~'),
      fc.constantFrom(
        '',
        '-20250807',
        '-2025-08-07',
        '-latest',
        ':free',
        '-v1:0',
        '@001',
        'x',
        '-mini',
      ),
      fc.boolean(),
    )
    .map(([{ provider, model }, before, after, isLoud]) => {
      const name = `${before}${model}${after}`;
      return { provider, model: isLoud ? name.toUpperCase() : name };
    });

  it('is the one that the library finds', () => {
    const list = new PriceList();
    let found = 0;
    const property = fc.property(mutated, ({ provider, model }) => {
      const theirs = calcPrice({}, model, { providerId: provider })?.model.id;
      expect(list.find(provider, model)?.model).toBe(theirs);
      if (theirs !== undefined) found += 1;
    });
    fc.assert(property, { numRuns: 3000 });
    expect(found).toBeGreaterThan(100);
  });
});

describe('a cost', () => {
  it('is exactly the sum of its parts, each of which is quantity × price', () => {
    fc.assert(
      fc.property(anyCall, (call) => {
        const priced = pricer.price(call);
        if (typeof priced === 'string') return;
        const sum = priced.parts.reduce(
          (so, { quantity, price }) => so + BigInt(quantity) * price,
          0n,
        );
        expect(priced.cost).toBe(sum);
      }),
      { numRuns: 500 },
    );
  });

  it('does not exist where counts contradict each other', () => {
    fc.assert(
      fc.property(anyCall, tokens, (call, more) => {
        const impossible = { ...call, cachedTokens: call.inputTokens + 1 + more };
        expect(isAmbiguous(call)).toBe(false);
        expect(pricer.price(impossible)).toBe('ambiguous');
      }),
      { numRuns: 200 },
    );
  });

  it('stays bounded in memory, and right, with names beyond number', () => {
    for (let index = 0; index < 10_050; index++) {
      pricer.price(usageCall({ provider: 'nobody', model: `model-${index}` }));
    }
    expect(pricer.price(usageCall())).toMatchObject({ model: 'claude-sonnet-4-5' });
  });

  it('follows own prices as they change', () => {
    let own: OwnPrices = noOwnPrices;
    const changing = new Pricer(() => own);
    const source = () => (changing.price(usageCall()) as { source: string }).source;
    expect(source()).toBe(`list@${listEdition.version}/${listEdition.date}`);
    const file = { prices: [{ model: '*', usd_per_million_tokens: { input: 1, output: 1 } }] };
    own = parseOwnPrices(JSON.stringify(file), new Date('2026-11-26'));
    expect(source()).toBe(`own@${own.version}/2026-11-26`);
    own = noOwnPrices;
    expect(source()).toMatch(/^list@/);
  });
});

describe('a price that is really 0', () => {
  it('is a cost of 0 with its source', () => {
    const file = { prices: [{ model: 'mine', usd_per_million_tokens: { input: 0, output: 0 } }] };
    const own = parseOwnPrices(JSON.stringify(file), new Date());
    const priced = new Pricer(() => own).price(usageCall({ provider: '', model: 'mine' }));
    expect(priced).toMatchObject({ cost: 0n, source: expect.stringMatching(/^own@/) });
  });
});

describe('decimals', () => {
  it('are read and written exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (value) => {
        expect(parseDecimal(decimalText(value), 18)).toBe(value);
      }),
    );
    expect(parseDecimal(1e-7, 18)).toBe(10n ** 11n);
    expect(parseDecimal('0.0000000000001', 12)).toBeUndefined();
    for (const wrong of ['', '-1', 'NaN', 'Infinity', '1,5', '0x10', '1e999']) {
      expect(parseDecimal(wrong, 18), wrong).toBeUndefined();
    }
  });
});

describe('providers', () => {
  it('of the list are each known by the name that it has there', () => {
    for (const { provider } of models) expect(providerName(provider)).toBe(provider);
  });

  it('have one name, however they are written', () => {
    const names = {
      'x-ai': ['x_ai', 'xai', 'X.AI', 'xai.chat'],
      azure: ['azure.ai.inference', 'azure.ai.openai', 'az.ai.openai', 'azure-openai.chat'],
      google: ['gcp.gen_ai', 'gcp.gemini', 'gcp.vertex_ai', 'google.generative-ai', 'vertex_ai'],
      aws: ['aws.bedrock', 'amazon-bedrock', 'bedrock'],
      'ibm-watsonx-ai': ['ibm.watsonx.ai', 'watsonx'],
      mistral: ['mistral_ai', 'mistralai', 'mistral.chat'],
      moonshotai: ['moonshot_ai'],
      openai: ['openai', ' OpenAI ', 'openai.responses', 'openai.chat'],
      'openai-compatible': ['openai-compatible', 'openai_compatible.chat'],
      '': ['', '  '],
    };
    for (const [name, ways] of Object.entries(names)) {
      for (const way of ways) expect(providerName(way), way).toBe(name);
    }
  });
});
