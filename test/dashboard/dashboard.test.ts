import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { buildDashboard } from '../support/dashboard.ts';
import { sendDemoData } from '../support/demo-data.ts';
import {
  type Looker,
  openTab,
  overflowOf,
  scrollersOf,
  seriousFindings,
  shiftsOf,
  untilAnswered,
} from './looking.ts';

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
    await page.getByRole('banner').getByText('reader').waitFor();
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

describe('with data', () => {
  beforeAll(async () => {
    const size = { eventHours: 0.25, usageDays: 3, callsADay: 30 };
    await sendDemoData(telemetry.baseUrl, size, { authorization: `Bearer ${keys.sender}` });
  }, 60_000);

  const views = {
    now: 'Latency per token by model',
    usage: 'Spend by day and model',
    explore: 'Latest events',
    tail: 'Live tail',
    service: 'Every record accounted for',
  };
  const sizes = [
    [360, 'light'],
    [1280, 'dark'],
    [2560, 'light'],
  ] as const;

  it.each(Object.entries(views))(
    '%s is whole, at every width, in light and dark',
    { timeout: 240_000 },
    async (view, heading) => {
      for (const [width, colorScheme] of sizes) {
        await look(
          `view=${view}`,
          async (page) => {
            await page.getByRole('heading', { name: heading }).first().waitFor();
            await untilAnswered(page);
            expect([view, width, await overflowOf(page)]).toEqual([view, width, 0]);
            if (width < 900) expect([view, await scrollersOf(page)]).toEqual([view, []]);
            // What browsers call good is less than 0.1, and what they call poor more than 0.25: when a
            // machine is busy, answers come one by one.
            const { sum, of } = await shiftsOf(page);
            expect([view, width, sum < 0.25 ? [] : of]).toEqual([view, width, []]);
            expect(await seriousFindings(page)).toEqual([]);
            expect(await page.getByText('does not answer this question').count()).toBe(0);
            expect(await page.title()).toContain('gravitas telemetry');
          },
          { width, colorScheme },
        );
      }
    },
  );

  it('Now draws what was sent, as a chart, as a table and as a file', {
    timeout: 120_000,
  }, async () => {
    await look('view=now', async (page) => {
      const panel = page.getByRole('region', { name: 'Events by type' });
      await panel.locator('canvas').waitFor();
      await page.getByText('GPU 1', { exact: true }).first().waitFor();
      await panel.getByRole('button', { name: 'as a table' }).click();
      const table = panel.getByRole('table');
      await table.getByRole('columnheader', { name: /THOUGHT_LATENCY/ }).waitFor();
      expect(await table.getByRole('row').count()).toBeGreaterThan(10);
      const saving = page.waitForEvent('download');
      await panel.getByRole('button', { name: 'as CSV' }).click();
      const download = await saving;
      expect(download.suggestedFilename()).toBe('events-by-type.csv');
      const csv = await readFile(await download.path(), 'utf8');
      expect(csv.split('\r\n')[0]).toMatch(/^Time,.*VRAM_CHECK \(\/s\)/);
      await page.reload();
      await table.waitFor();
      await panel.getByRole('button', { name: 'as a table' }).click();
      await panel.locator('canvas').waitFor();
    });
  });

  it('charts are read by keys, and say what they show', { timeout: 120_000 }, async () => {
    await look('view=explore&type=THOUGHT_LATENCY&t=15m', async (page) => {
      const chart = page.getByRole('img', { name: 'THOUGHT_LATENCY over time' });
      await chart.focus();
      await page.keyboard.press('Home');
      const live = page.locator('#live');
      const said = async () => await live.textContent();
      await expect.poll(said).toMatch(/^\d\d:\d\d:\d\d: p99 .*p50 /);
      const first = await said();
      await page.keyboard.press('PageDown');
      await page.keyboard.press('ArrowRight');
      await expect.poll(said).not.toBe(first);
      await page.locator('.readout').waitFor();
      await page.keyboard.press('Escape');
      await page.locator('.readout').waitFor({ state: 'detached' });
    });
  });

  it('Explore keeps filters and the open event in its address', { timeout: 120_000 }, async () => {
    await look('view=explore&t=1h', async (page, { context }) => {
      await page.getByLabel('Event type').selectOption('LOAD_LATENCY');
      await page.getByLabel('Event type').selectOption('THOUGHT_LATENCY');
      await page
        .getByRole('region', { name: 'By component' })
        .getByRole('link', { name: 'qwen3:14b' })
        .click();
      await page.waitForURL(/component=qwen3/);
      await page.getByLabel('Metadata contains').fill('{"model": "qwen3:14b"}');
      await page.keyboard.press('Enter');
      await page.waitForURL(/metadata=/);
      const events = page.getByRole('table', { name: 'Latest events' });
      await events.getByRole('button').first().click();
      await page.getByText('Link to it').waitFor();
      const id = new URL(page.url()).searchParams.get('id') as string;
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      await page.reload();
      await page.getByText(id).waitFor();
      expect(await page.getByLabel('Component', { exact: true }).inputValue()).toBe('qwen3:14b');

      const other = await context.newPage();
      await other.goto(at(`view=explore&id=${id}`));
      await other.getByText(id).waitFor();
      await other.close();
      await page.getByLabel('Component', { exact: true }).selectOption('any');
      await page.waitForURL((url) => !url.searchParams.has('component'));
    });
  });

  it('goes back, and by one time zone', { timeout: 120_000 }, async () => {
    await look('view=now', async (page) => {
      await page.getByRole('link', { name: '15 min' }).click();
      await page
        .getByRole('navigation', { name: 'Views' })
        .getByRole('link', { name: 'Service' })
        .click();
      await page.getByRole('heading', { name: 'Service' }).waitFor();
      expect(new URL(page.url()).searchParams.get('t')).toBe('15m');
      await page.getByLabel('Time zone').selectOption('America/New_York');
      await page
        .getByRole('navigation', { name: 'Views' })
        .getByRole('link', { name: 'Usage' })
        .click();
      expect(await page.getByLabel('Time zone').inputValue()).toBe('America/New_York');
      await page.goBack();
      await page.getByRole('heading', { name: 'Service' }).waitFor();
    });
  });

  it('Usage tells spend, compares, filters and explains', { timeout: 120_000 }, async () => {
    await look('view=usage&p=7d', async (page) => {
      const compare = page.getByRole('table', { name: 'Compare models' });
      await compare.getByRole('link', { name: 'claude-sonnet-4-5' }).waitFor();
      await page.getByText(/^\d+ calls are unpriced/).waitFor();
      await page.getByRole('link', { name: 'Layer', exact: true }).click();
      await page
        .getByRole('table', { name: 'Compare layers' })
        .getByRole('link', { name: 'L1' })
        .click();
      await page.getByRole('link', { name: 'Layer: L1' }).waitFor();
      await page.getByRole('link', { name: 'Layer: L1' }).click();
      const calls = page.getByRole('table', { name: 'Calls' });
      await calls.getByRole('link').nth(2).click();
      await page.getByRole('heading', { name: /^Why this call/ }).waitFor();
      await page.getByText('Counted by').waitFor();
      expect(new URL(page.url()).searchParams.get('call')).toMatch(/^[0-9a-f-]{36}$/);
    });
  });

  it('the tail shows what is sent meanwhile, and waits while one pauses', {
    timeout: 120_000,
  }, async () => {
    await look('view=tail', async (page) => {
      await page.getByText('Reading').waitFor();
      const list = page.getByRole('listbox', { name: 'Events, newest last' });
      await send('log', { event_type: 'TAILED', component: 'first', value: 1, status: 'OK' });
      await list.getByText('TAILED').waitFor({ timeout: 10_000 });
      await page.keyboard.press('Space');
      await page.getByText('Paused').waitFor();
      await send('log', { event_type: 'TAILED', component: 'second', value: 2, status: 'OK' });
      await page.getByRole('button', { name: '1 new below' }).waitFor();
      expect(await list.getByText('second').count()).toBe(0);
      await page.getByRole('button', { name: '1 new below' }).click();
      await list.getByText('second').waitFor();
      await list.getByText('second').click();
      const chosen = page.getByRole('complementary', { name: 'Chosen event' });
      await chosen.getByText('Explore it').waitFor();
      await chosen.getByRole('button', { name: 'Only this type' }).click();
      await page.waitForURL(/type=TAILED/);
      await expect.poll(() => list.getByText('VRAM_CHECK').count()).toBe(0);
      await list.getByText('second').waitFor();
    });
  });

  it('Service shows an operator what others may not see', { timeout: 120_000 }, async () => {
    await look(
      'view=service',
      async (page) => {
        const senders = page.getByRole('table', { name: 'Streams and keys' });
        await senders.getByRole('rowheader', { name: 'sender' }).waitFor();
        await senders.getByRole('rowheader', { name: 'operator' }).waitFor();
        await page.getByText('Balances').waitFor();
      },
      { key: keys.operator },
    );
  });

  it('an operator replays what the database refused; others see why', {
    timeout: 120_000,
  }, async () => {
    const { database } = telemetry;
    // Again where it meets the upkeep of partitions.
    const alter = (what: string) =>
      vi.waitFor(() => database.rows(`alter table system_telemetry ${what}`), { timeout: 20_000 });
    await alter(`add constraint no_odd check (component <> 'odd') not valid`);
    await send('log', { event_type: 'REFUSED', component: 'odd', value: 1, status: 'OK' });
    await look('view=service', async (page) => {
      const panel = page.getByRole('region', { name: 'Dead letters' });
      await panel.getByText('needs the scope admin').waitFor();
      await panel.getByText('no_odd').waitFor();
      await panel.getByRole('button', { name: 'Dead letters as CSV' }).waitFor();
      expect(await panel.getByRole('button', { name: 'Replay' }).count()).toBe(0);
    });
    await look(
      'view=service',
      async (page) => {
        const panel = page.getByRole('region', { name: 'Dead letters' });
        await panel.getByRole('button', { name: 'Look' }).click();
        await panel.getByText('REFUSED', { exact: true }).waitFor();
        await panel.getByRole('button', { name: 'Replay all' }).click();
        await panel.getByText('1 refused again').waitFor();
        await alter('drop constraint no_odd');
        await panel.getByRole('button', { name: 'Replay', exact: true }).click();
        await panel.getByText('1 stored.').waitFor();
        await panel.getByText('None', { exact: true }).waitFor();
      },
      { key: keys.operator },
    );
    const stored = `select count(*) from system_telemetry where event_type = 'REFUSED'`;
    expect(await database.count(stored)).toBe(1);
  });

  it('a panel without an answer says why, alone, and asks again', {
    timeout: 120_000,
  }, async () => {
    const { page, close } = await openTab(browser, { key: keys.reader });
    const question = '**/gravitas.telemetry.v1.QueryService/ListEvents';
    await page.goto(at('view=explore'));
    await untilAnswered(page);
    await page.route(question, (route) => route.fulfill({ status: 500 }));
    await page.getByRole('button', { name: 'Older events' }).click();
    const panel = page.getByRole('region', { name: 'Latest events' });
    await panel.getByText('The collector could not answer').waitFor();
    expect(await page.getByText('The collector could not answer').count()).toBe(1);
    expect(await seriousFindings(page)).toEqual([]);
    await page.unroute(question);
    await panel.getByRole('button', { name: 'Ask again' }).click();
    await panel.getByRole('table').waitFor();
    await close();
  });

  it('tells what is late from what is there', { timeout: 120_000 }, async () => {
    await look('view=explore&type=THOUGHT_LATENCY&t=1h', async (page) => {
      await untilAnswered(page);
      const panel = page.getByRole('region', { name: 'By component' });
      const shown = panel.locator('.answered');
      const range = (name: string) => page.getByRole('link', { name, exact: true }).click();
      const question = '**/gravitas.telemetry.v1.QueryService/GetStats';
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      await page.route(question, async (route) => {
        await held;
        await route.continue();
      });
      await range('15 min');
      // What it shows is of the hour; it may not be taken for a quarter of it.
      await expect.poll(() => shown.getAttribute('class')).toBe('answered old');
      expect(await shown.getAttribute('aria-busy')).toBe('true');
      const opacity = () => shown.evaluate((each) => Number(getComputedStyle(each).opacity));
      await expect.poll(opacity).toBeLessThan(0.9);
      release();
      await expect.poll(() => shown.getAttribute('class')).toBe('answered');
      await expect.poll(opacity).toBe(1);

      await page.unroute(question);
      const late = { 'content-type': 'application/grpc-web+proto', 'grpc-status': '4' };
      await page.route(question, (route) => route.fulfill({ status: 200, headers: late }));
      await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      await panel.getByText(/^As of [\d:]{8}: asking again took too long/).waitFor();
      await panel.getByRole('link', { name: 'qwen3:14b' }).waitFor();
      // Of another range there is no answer to fall back on.
      await range('6 h');
      await panel.getByText('The question took too long').waitFor();
      await page.unroute(question);
      await panel.getByRole('button', { name: 'Ask again' }).click();
      await panel.getByRole('link', { name: 'qwen3:14b' }).waitFor();
    });
  });

  it('what a proxy answers in its place is no answer of it', { timeout: 120_000 }, async () => {
    const { page, close } = await openTab(browser, { key: keys.reader });
    await page.goto(at('view=now'));
    await untilAnswered(page);
    await page.route('**/*', (route) =>
      route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' }),
    );
    await page.getByText('The collector has not answered since').waitFor();
    await page.getByText(/^As of /).waitFor();
    await page.unroute('**/*');
    await page.getByText('The collector has not answered since').waitFor({ state: 'detached' });
    await close();
  });

  it('keeps its last answer while the collector is away', { timeout: 120_000 }, async () => {
    const { page, context, close } = await openTab(browser, { key: keys.reader });
    await page.goto(at('view=now'));
    await page.getByRole('region', { name: 'Events by type' }).locator('canvas').waitFor();
    await context.setOffline(true);
    await page.getByText('The collector has not answered since').waitFor();
    expect(
      await page.getByRole('region', { name: 'Events by type' }).locator('canvas').count(),
    ).toBe(1);
    expect(await seriousFindings(page)).toEqual([]);
    await context.setOffline(false);
    await page.getByText('The collector has not answered since').waitFor({ state: 'detached' });
    await close();
  });
});
