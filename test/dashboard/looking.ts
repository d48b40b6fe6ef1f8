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
