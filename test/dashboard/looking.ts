import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type axeModule from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
  'utf8',
);

declare const axe: typeof axeModule;

export interface Looker {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained of since it was opened. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

export interface LookerOptions {
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** That this tab is signed in with. */
  readonly key?: string;
}

/** A tab of a browser that nobody else shares anything with. */
export async function openTab(browser: Browser, options: LookerOptions = {}): Promise<Looker> {
  const { width = 1280, colorScheme = 'light', key } = options;
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    acceptDownloads: true,
  });
  await context.addInitScript(noteShifts);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`);
  });
  if (key) {
    await context.addInitScript((secret) => {
      sessionStorage.setItem('gravitas-telemetry-key', secret);
    }, key);
  }
  return { page, context, complaints, close: () => context.close() };
}

/** What axe finds that keeps somebody from using the page. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const results = await axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
    });
    return results.violations.map(({ id, impact, nodes }) => ({
      id,
      impact,
      where: nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)),
    }));
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, where }) => `${id}: ${where.join(' | ')}`);
}

declare const shifts: { readonly value: number; readonly of: string }[];

/** Before the page's own scripts: what moves though nobody has touched the page. */
function noteShifts(): void {
  const noted: (typeof shifts)[number][] = [];
  Object.assign(globalThis, { shifts: noted });
  interface Shift extends PerformanceEntry {
    readonly value: number;
    readonly hadRecentInput: boolean;
    readonly sources: readonly { readonly node?: Element }[];
  }
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries() as Shift[]) {
      const of = sources.map(({ node }) => node?.className ?? node?.nodeName ?? '').join(', ');
      if (!hadRecentInput) noted.push({ value, of });
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

/** How much of the window has moved while it loaded, by how far, as browsers count it; what it was. */
export const shiftsOf = (page: Page): Promise<{ sum: number; of: string[] }> =>
  page.evaluate(() => ({
    sum: shifts.reduce((sum, { value }) => sum + value, 0),
    of: shifts.map(({ of }) => of),
  }));

/** What scrolls sideways within the page. */
export const scrollersOf = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('main *')]
      .filter((each) => /auto|scroll/.test(getComputedStyle(each).overflowX))
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)
      .map(({ outerHTML }) => outerHTML.slice(0, 200)),
  );

/** By how many pixels the page is wider than its window. */
export const overflowOf = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

/** Nothing is being waited for: no bones are left. */
export const untilAnswered = (page: Page): Promise<unknown> =>
  page.waitForFunction(
    () =>
      document.querySelector('h1') !== null &&
      document.querySelector('[aria-busy="true"], .bone') === null,
  );
