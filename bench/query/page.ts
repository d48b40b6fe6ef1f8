import type { Page } from 'playwright-core';
import { launchBrowser } from '../../test/support/browser.ts';
import { buildDashboard } from '../../test/support/dashboard.ts';

/** The live tail shows nothing until something comes: its time is that of Tail. */
const views = ['now', 'usage', 'explore&type=EVENT_TYPE_0', 'service'];
const rounds = 5;

export interface PageTimes {
  readonly view: string;
  /** From the request to something of the view, and to all of its data (Infinity: not within half a minute); milliseconds in order. */
  readonly useful: readonly number[];
  readonly complete: readonly number[];
  /** From a click on another range, period or view to the next frame. */
  readonly interaction: readonly number[];
}

/** How long the dashboard's views take in a real browser, with a cache that is empty each time. */
export async function pageTimes(baseUrl: string): Promise<PageTimes[]> {
  await buildDashboard();
  const browser = await launchBrowser();
  try {
    const times: PageTimes[] = [];
    for (const view of views) {
      const found = {
        view,
        useful: [] as number[],
        complete: [] as number[],
        interaction: [] as number[],
      };
      for (let round = 0; round < rounds; round++) {
        const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
        const page = await context.newPage();
        const begunMs = performance.now();
        await page.goto(`${baseUrl}/?view=${view}`, { waitUntil: 'commit' });
        // Numbers or rows, in place of what stands for them while they load.
        await page.waitForSelector(
          'main :is([aria-busy="false"] .big, tbody td, canvas, [role="option"])',
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
      for (const list of [found.useful, found.complete, found.interaction])
        list.sort((a, b) => a - b);
      times.push(found);
    }
    return times;
  } finally {
    await browser.close();
  }
}

/** From a click on another view to the second frame after it, when the first has been painted. */
async function interactionMs(page: Page): Promise<number> {
  return await page.evaluate(async () => {
    const link = document.querySelector<HTMLElement>('nav a:not([aria-current="page"])');
    const begun = performance.now();
    link?.click();
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return performance.now() - begun;
  });
}
