import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchBrowser, type Site, startSite } from '../support/browser.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import type * as pageModule from './browser-page.ts';

/** Pages of another origin, by the clients that browsers have. */
let site: Site;
let stranger: Site;
let collector: TestCollector;
let browser: Browser;
beforeAll(async () => {
  const module = new URL('browser-page.ts', import.meta.url);
  site = await startSite(module);
  stranger = await startSite(module);
  collector = await startCollector({ TELEMETRY_CORS_ORIGINS: site.origin });
  browser = await launchBrowser();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await Promise.all([site?.stop(), stranger?.stop(), collector?.stop()]);
});

declare const bundled: typeof pageModule;

async function open({ origin }: Site): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(origin);
  return page;
}

const protocols = ['Connect', 'Connect with protobuf', 'gRPC-Web', 'gRPC-Web as text'] as const;

it.each(protocols)('a page sends, watches and is told of errors: %s', async (protocol) => {
  const page = await open(site);
  const found = await page.evaluate(
    ([name, url]) =>
      bundled.protocols[name as keyof typeof bundled.protocols](url as string, 'WEB'),
    [protocol, collector.baseUrl],
  );
  expect(found).toMatchObject({
    durability: 1,
    firstOfStream: 1,
    errorCode: 3,
    errorMessage: expect.stringContaining('event_type is required'),
  });
  expect(found.requestId).toMatch(/./);
  await page.close();
});

it('a page reads errors of plain HTTP, and the address of the next page', async () => {
  const page = await open(site);
  const ask = (path: string) =>
    page.evaluate((url) => bundled.ask(url), `${collector.baseUrl}${path}`);
  expect(await ask('/v1/telemetry/events?limit=1')).toEqual([
    200,
    expect.stringContaining('rel="next"'),
  ]);
  expect(await ask('/v1/telemetry/events?limit=x')).toEqual([400, expect.any(String)]);
  expect(await ask('/nothing')).toEqual([404, expect.any(String)]);
  await page.close();
});

it('a page of another site gets nothing, and stores nothing', async () => {
  const page = await open(stranger);
  for (const protocol of protocols) {
    const sent = page.evaluate(
      ([name, url]) =>
        bundled.protocols[name as keyof typeof bundled.protocols](url as string, 'STRANGE'),
      [protocol, collector.baseUrl],
    );
    await expect(sent).rejects.toThrow();
  }
  const count = `select count(*) from system_telemetry where event_type = 'STRANGE'`;
  expect(await collector.database.count(count)).toBe(0);
  await page.close();
});
