import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../test/support/browser.ts';
import { buildDashboard } from '../test/support/dashboard.ts';
import { sendDemoData } from '../test/support/demo-data.ts';
import { demoCalls, demoEvents } from './dashboard/demo-records.ts';

/**
 * Pictures of the dashboard for its documentation: a collector of its own, records as an application
 * sends them, before the first of them and then each view, in light and dark.
 */
const root = new URL('..', import.meta.url).pathname;
const target = join(root, 'docs/dashboard');
const views = {
  now: 'view=now',
  usage: 'view=usage',
  explore: 'view=explore&type=THOUGHT_LATENCY',
  tail: 'view=tail',
  service: 'view=service',
};

/** Of this collector only, which goes away with the script. */
const keys = { ops: randomUUID(), router: randomUUID() };

async function startCollector(directory: string) {
  const child = spawn(join(root, 'bin/gravitas-telemetry'), [], {
    env: {
      ...process.env,
      TELEMETRY_PORT: '0',
      TELEMETRY_DATA_DIR: directory,
      // Of the month before too.
      TELEMETRY_EVENT_AGE_DAYS_MAX: '60',
      TELEMETRY_API_KEYS: `ops query,admin ${keys.ops}; router ingest ${keys.router}`,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const baseUrl = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const [, url] = /ready: (http:[^"\s]+)/.exec(line) ?? [];
      if (url) resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`the collector ended with ${code}`)));
  });
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  return { baseUrl, stop };
}

/** All partitions are made, which is told of otherwise. */
async function untilReady(baseUrl: string): Promise<void> {
  for (;;) {
    const { status } = (await (await fetch(`${baseUrl}/readyz`)).json()) as { status: string };
    if (status === 'ready') return;
    await sleep(200);
  }
}

const asRouter = { authorization: `Bearer ${keys.router}` };

async function send(baseUrl: string, records: object): Promise<void> {
  const response = await fetch(`${baseUrl}/v1/telemetry/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...asRouter },
    body: JSON.stringify(records),
  });
  if (!response.ok) throw new Error(await response.text());
}

const everyMs = 5000;

/** Goes on sending from a time on, as it would be while somebody looks. */
function keepSending(baseUrl: string, from: number): () => void {
  let sentTo = from;
  const timer = setInterval(() => {
    const now = Date.now();
    const events = demoEvents(now, (now - sentTo) / 3_600_000, now);
    const usage = demoCalls(sentTo, now, now);
    sentTo = now;
    send(baseUrl, { events, usage }).catch(console.error);
  }, everyMs);
  return () => clearInterval(timer);
}

const themes = ['light', 'dark'] as const;

/** Each of some views in both themes. */
async function shootAll(
  browser: Browser,
  baseUrl: string,
  views: Readonly<Record<string, string>>,
): Promise<void> {
  for (const theme of themes) {
    const viewport = { width: 1280, height: 800 };
    const context = await browser.newContext({ viewport, colorScheme: theme });
    await context.addInitScript((secret) => {
      sessionStorage.setItem('gravitas-telemetry-key', secret);
    }, keys.ops);
    const page = await context.newPage();
    for (const [view, query] of Object.entries(views)) {
      await page.goto(`${baseUrl}/?zone=America/New_York&${query}`);
      await page.locator('h1').waitFor();
      await page.waitForTimeout(3000);
      await shoot(page, view, theme);
    }
    await context.close();
  }
}

async function shoot(page: Page, view: string, theme: string): Promise<void> {
  await page.waitForFunction(() => document.querySelector('[aria-busy="true"], .bone') === null);
  if (view === 'tail') await page.locator('.tl[role="option"]').nth(-4).click();
  await page.waitForTimeout(500);
  const path = join(target, `${view}-${theme}.webp`);
  const png = await page.screenshot({ fullPage: true, scale: 'css' });
  writeFileSync(path, await asWebp(page, png));
  console.log(path);
}

/** A third of the size; by an empty page, since that of the dashboard would not load the picture. */
async function asWebp(page: Page, png: Buffer): Promise<Buffer> {
  const blank = await page.context().newPage();
  const url = await blank.evaluate(
    async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const canvas = document.createElement('canvas');
      canvas.width = image.width;
      canvas.height = image.height;
      canvas.getContext('2d')?.drawImage(image, 0, 0);
      return canvas.toDataURL('image/webp', 0.5);
    },
    `data:image/png;base64,${png.toString('base64')}`,
  );
  await blank.close();
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
}

await buildDashboard();
mkdirSync(target, { recursive: true });
const directory = mkdtempSync(join(tmpdir(), 'telemetry-shots-'));
let collector = await startCollector(directory);
const browser = await launchBrowser();
let stopSending: (() => void) | undefined;
try {
  await untilReady(collector.baseUrl);
  await shootAll(browser, collector.baseUrl, { 'first-run': 'view=now' });
  const filledAt = Date.now();
  const size = { eventHours: 2, usageDays: 57, callsADay: 1000 };
  await sendDemoData(collector.baseUrl, size, asRouter);
  // What the collector remembers of its last hour would be that it was filled.
  await collector.stop();
  collector = await startCollector(directory);
  stopSending = keepSending(collector.baseUrl, filledAt);
  // Until the collector has samples of some minutes, Service has nothing to draw.
  const minutes = Number(process.env.MINUTES ?? 4);
  await sleep(minutes * 60_000);
  await shootAll(browser, collector.baseUrl, views);
} finally {
  stopSending?.();
  await browser.close();
  await collector.stop();
  rmSync(directory, { recursive: true, force: true });
}
