import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { buildDashboard } from '../support/dashboard.ts';
import { type Looker, openTab, overflowOf, seriousFindings } from './looking.ts';

const keys = {
  reader: 'reader-secret-of-enough-characters',
  sender: 'sender-secret-of-enough-characters',
  operator: 'operator-secret-of-enough-characters',
};

let telemetry: TestCollector;
let browser: Browser;
beforeAll(async () => {
  await buildDashboard();
  telemetry = await startCollector({
    TELEMETRY_API_KEYS: [
      `reader query ${keys.reader}`,
      `sender ingest ${keys.sender}`,
      `operator query,admin ${keys.operator}`,
    ].join(';'),
  });
  browser = await launchBrowser();
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await telemetry?.stop();
});

async function send(path: string, body: unknown): Promise<void> {
  const response = await fetch(`${telemetry.baseUrl}/v1/telemetry/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${keys.sender}` },
    body: JSON.stringify(body),
  });
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
}

const at = (query: string) => `${telemetry.baseUrl}/?zone=UTC&${query}`;

/** A tab that is signed in; what it complains of fails the test. */
async function look(
  query: string,
  using: (page: Page, tab: Looker) => Promise<void>,
  options: Parameters<typeof openTab>[1] = {},
): Promise<void> {
  const tab = await openTab(browser, { key: keys.reader, ...options });
  try {
    await tab.page.goto(at(query));
    await using(tab.page, tab);
    expect(tab.complaints).toEqual([]);
  } finally {
    await tab.close();
  }
}

describe('signing in', () => {
  it('lets in a key that may read, and no other', { timeout: 120_000 }, async () => {
    const { page, close } = await openTab(browser);
    await page.goto(at('view=usage'));
    const field = page.getByLabel('Query key');
    await field.waitFor();
    const offer = async (secret: string) => {
      await field.fill(secret);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    await offer('wrong-secret-of-enough-characters');
    await page.getByText('This key is unknown, expired or revoked.').waitFor();
    await offer(keys.sender);
    await page.getByText('This key may not read').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await offer(keys.reader);
    await page.getByRole('heading', { name: 'Ready for the first event' }).waitFor();
    expect(page.url()).not.toContain('secret');
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain('secret');

    await page.reload();
    await page.getByRole('heading', { name: 'Ready for the first event' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await field.waitFor();
    await page.reload();
    await field.waitFor();
    await close();
  });

  it('ends with the tab, unless one asks for more', { timeout: 120_000 }, async () => {
    const { page, context, close } = await openTab(browser);
    await page.goto(at('view=now'));
    const signIn = async (on: Page) => {
      await on.getByLabel('Query key').fill(keys.reader);
      await on.getByRole('button', { name: 'Sign in' }).click();
      await on.getByRole('heading', { name: 'Ready for the first event' }).waitFor();
    };
    await signIn(page);
    const second = await context.newPage();
    await second.goto(at('view=now'));
    await second.getByLabel('Remember on this device').check();
    await signIn(second);
    const third = await context.newPage();
    await third.goto(at('view=now'));
    await third.getByRole('heading', { name: 'Ready for the first event' }).waitFor();
    await close();
  });
});

describe('before the first event', () => {
  it('the page says how to send one, and notices it', { timeout: 120_000 }, async () => {
    await look('view=now', async (page) => {
      await page.getByText('/v1/telemetry/log').waitFor();
      const curl = page.getByRole('tab', { name: 'curl' });
      await curl.focus();
      await page.keyboard.press('ArrowRight');
      await page.getByText('from gravitas_telemetry import Telemetry').waitFor();
      await page.keyboard.press('ArrowRight');
      await page.getByText("from 'gravitas-telemetry-client'").waitFor();
      expect(await overflowOf(page)).toBe(0);
      expect(await seriousFindings(page)).toEqual([]);
      await send('log', { event_type: 'FIRST', component: 'L1', value: 1, status: 'OK' });
      await page.getByRole('heading', { name: 'Now', exact: true }).waitFor();
    });
  });
});
