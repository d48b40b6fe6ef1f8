import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../../test/support/browser.ts';
import { buildDashboard } from '../../test/support/dashboard.ts';

/** The live tail shows nothing until something comes: its time is that of Tail. A day is in any kept database. */
const views = ['now&t=24h', 'usage', 'explore&t=24h&type=EVENT_TYPE_0', 'service&t=24h'];

export interface PageTimes {
  readonly view: string;
  /** From the request to something of the view, and to all of its data (Infinity: not within half a minute); milliseconds in order. */
  readonly useful: number[];
  readonly complete: number[];
  /** From the input to the next frame, of the slowest of some interactions; as browsers tell it, from 16 ms on, by 8 ms. */
  readonly interaction: number[];
}

/** How long the dashboard's views take in a real browser, with a cache that is empty each time. */
export async function pageTimes(baseUrl: string, rounds: number): Promise<PageTimes[]> {
  await buildDashboard();
  const browser = await launchBrowser();
  try {
    const times: PageTimes[] = [];
    for (const view of views) {
      const found: PageTimes = { view, useful: [], complete: [], interaction: [] };
      for (let round = 0; round < rounds; round++) await look(browser, baseUrl, found);
      for (const list of [found.useful, found.complete, found.interaction])
        list.sort((a, b) => a - b);
      times.push(found);
    }
    return times;
  } finally {
    await browser.close();
  }
}

async function look(browser: Browser, baseUrl: string, found: PageTimes): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await context.addInitScript(noteInteractions);
  const page = await context.newPage();
  const begunMs = performance.now();
  await page.goto(`${baseUrl}/?view=${found.view}`, { waitUntil: 'commit' });
  // Numbers or rows, in place of what stands for them while they load.
  await page.waitForSelector(
    'main :is([aria-busy="false"] .big, [aria-busy="false"] tbody td, .plot canvas)',
  );
  found.useful.push(performance.now() - begunMs);
  const isComplete = await page
    .waitForFunction(() => !document.querySelector('[aria-busy="true"], .bone'))
    .then(() => true)
    .catch(() => false);
  found.complete.push(isComplete ? performance.now() - begunMs : Infinity);
  found.interaction.push(await interactionMs(page));
  await context.close();
}

declare const interactionsMs: number[];

/** Before the page's own scripts. */
function noteInteractions(): void {
  const noted: number[] = [];
  Object.assign(globalThis, { interactionsMs: noted });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) noted.push(duration);
  }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
}

/** A cursor moved by keys, a chart as a table and back, another range or period, another view. */
async function interactionMs(page: Page): Promise<number> {
  const chart = page.locator('.chart').first();
  if (await chart.isVisible()) {
    await chart.focus();
    for (const key of ['End', 'ArrowLeft', 'PageUp']) await page.keyboard.press(key);
    const asTable = page.getByRole('button', { name: 'as a table' }).first();
    for (let times = 0; times < 2; times++) await asTable.click();
  }
  await page.locator('.seg a:not([aria-current])').first().click();
  await page.locator('nav[aria-label="Views"] a:not([aria-current])').first().click();
  return await page.evaluate(async () => {
    // The last one is told of after its frame.
    for (let frames = 0; frames < 5; frames++) await new Promise(requestAnimationFrame);
    return Math.max(16, ...interactionsMs);
  });
}
