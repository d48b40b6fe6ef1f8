import chromium from '@sparticuz/chromium';
import {
  type Browser,
  type BrowserContext,
  type Page,
  chromium as playwright,
} from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import type { Telemetry, TelemetryOptions } from '../src/browser.ts';
import { expectOnce, upTo } from './support/exactly-once.ts';
import { bundleForBrowsers, startWebServer, type WebServer } from './support/web.ts';

/** The browser build, in a browser. */
let collector: TestCollector;
let browser: Browser;
/** It outlives its pages, as a window with other tabs does. */
let context: BrowserContext;
let home: WebServer;
/** Lets the page of `home` in. */
let elsewhere: TestCollector;
beforeAll(async () => {
  collector = await startCollector();
  const { code } = await bundleForBrowsers();
  home = await startWebServer({ to: collector.baseUrl, code });
  elsewhere = await startCollector({ TELEMETRY_CORS_ORIGINS: home.origin }, collector.database);
  browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    args: ['--no-sandbox', '--disable-background-networking'],
  });
  context = await browser.newContext();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await home?.stop();
  await elsewhere?.stop();
  await collector?.stop();
});

declare const bundled: { Telemetry: typeof Telemetry };
declare global {
  // The page's.
  var client: Telemetry;
}

async function open(options: TelemetryOptions = {}): Promise<Page> {
  const page = await context.newPage();
  page.on('pageerror', (error) => expect.unreachable(String(error)));
  await page.goto(home.origin);
  await page.evaluate((given) => {
    const silent = { info: () => {}, warn: () => {} };
    globalThis.client = new bundled.Telemetry({ ...given, logger: silent });
  }, options);
  return page;
}

const log = (page: Page, component: string, count: number, text = '') =>
  page.evaluate(
    ([name, until, metadata]) => {
      for (let value = 0; value < Number(until); value += 1) {
        globalThis.client.log('PAGE', { component: String(name), value, metadata: { metadata } });
      }
    },
    [component, count, text],
  );

describe.each([
  ['of its own origin', () => ({})],
  ['of another origin, over CORS', () => ({ url: elsewhere.baseUrl, token: 'of-a-page' })],
])('to a service %s', (name, options) => {
  it('a page sends, and reads back', async () => {
    const page = await open(options());
    await log(page, `sent ${name}`, 100);
    const flushed = await page.evaluate(() => globalThis.client.flush(10));
    expect(flushed).toEqual({
      complete: true,
      delivered: 100,
      spooled: 0,
      handedOver: 0,
      dropped: 0,
    });
    await expectOnce(collector.database, `sent ${name}`, upTo(100));
    const read = await page.evaluate(() => globalThis.client.getRecentEvents(1));
    expect(read[0]?.component).toBe(`sent ${name}`);
    await page.close();
  });

  it.each(['it is left', 'it is closed'])('a page sends what waits when %s', async (end) => {
    const page = await open({ ...options(), batchAgeMsMax: 60_000 });
    const component = `${end} ${name}`;
    await log(page, component, 300, 'x'.repeat(50));
    if (end === 'it is left') await page.goto('about:blank');
    else await page.close({ runBeforeUnload: true });
    await expectOnce(collector.database, component, upTo(300));
    await page.close();
  });

  it('a page that is hidden while a batch is under way sends it once', async () => {
    const page = await open({ ...options(), batchAgeMsMax: 1 });
    const component = `under way ${name}`;
    for (const _ of upTo(5)) await log(page, component, 1);
    await page.goto('about:blank');
    await expectOnce(collector.database, component, [0, 0, 0, 0, 0]);
    await page.close();
  });
});

it('a service that lets no other origin in is an outage, and costs the page nothing', async () => {
  const page = await open({ url: collector.baseUrl });
  await log(page, 'not let in', 3);
  const flushed = await page.evaluate(() => globalThis.client.flush(10));
  expect(flushed).toMatchObject({ complete: false, delivered: 0, dropped: 3 });
  expect(await page.evaluate(() => globalThis.client.counters().dropped.unreachable)).toBe(3);
  await page.close();
});
