import vm from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import type { Telemetry } from '../src/browser.ts';
import { expectOnce, upTo } from './support/exactly-once.ts';
import { bundleForBrowsers } from './support/web.ts';

interface Page {
  readonly Telemetry: typeof Telemetry;
  readonly fetches: { readonly keepalive: boolean; readonly bytes: number }[];
  /** As when its tab is switched or closed. */
  hide(): void;
}

/** A global object with what the bundle may use of a browser's, and nothing of Node's. */
function openPage(code: string, origin: string): Page {
  const fetches: Page['fetches'] = [];
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  const page = {
    fetch: (url: string, init: RequestInit) => {
      const { byteLength } = init.body as Uint8Array;
      fetches.push({ keepalive: init.keepalive === true, bytes: byteLength });
      return fetch(url, init);
    },
    addEventListener: window.addEventListener.bind(window),
    removeEventListener: window.removeEventListener.bind(window),
    location: new URL(origin),
    ...{ document, console, crypto, performance, setTimeout, clearTimeout, AbortController },
    ...{
      AbortSignal,
      Blob,
      URL,
      CompressionStream,
      Response,
      TextDecoder,
      TextEncoder,
      Uint8Array,
    },
  };
  vm.runInNewContext(`${code}; globalThis.bundled = bundled;`, page);
  const { bundled } = page as unknown as { bundled: { Telemetry: typeof Telemetry } };
  return {
    Telemetry: bundled.Telemetry,
    fetches,
    hide: () => {
      document.visibilityState = 'hidden';
      document.dispatchEvent(new Event('visibilitychange'));
      window.dispatchEvent(new Event('pagehide'));
    },
  };
}

describe('the browser entry', () => {
  let collector: TestCollector;
  let code: string;
  beforeAll(async () => {
    collector = await startCollector();
    ({ code } = await bundleForBrowsers());
  });
  afterAll(() => collector.stop());

  it('reaches no module of Node', async () => {
    const { modules, imports } = await bundleForBrowsers();
    expect(modules.some((module) => module.endsWith('dist/browser.js'))).toBe(true);
    expect(modules.filter((module) => module.includes('/dist/node/'))).toEqual([]);
    expect(imports).toEqual([]);
    expect(/['"]node:/.test(code)).toBe(false);
  });

  it('sends to the origin of its page, with nothing but fetch', async () => {
    const page = openPage(code, collector.baseUrl);
    const telemetry = new page.Telemetry();
    for (const value of upTo(100)) telemetry.log('PAGE', { component: 'page', value });
    await expectOnce(collector.database, 'page', upTo(100));
    expect(page.fetches.map(({ keepalive }) => keepalive)).toEqual([false]);
    const { events } = await telemetry.listEvents({ component: 'page', pageSize: 1 });
    expect(events).toMatchObject([{ value: 99 }]);
    expect(await telemetry.close()).toMatchObject({ complete: true });
  });

  it('sends what waits when the page is hidden, within what may outlive it', async () => {
    const page = openPage(code, collector.baseUrl);
    const telemetry = new page.Telemetry({ batchAgeMsMax: 60_000 });
    const metadata = { text: 'x'.repeat(100) };
    for (const value of upTo(900))
      telemetry.log('HIDDEN', { component: 'hidden', value, metadata });
    page.hide();
    const lasting = page.fetches.filter(({ keepalive }) => keepalive);
    expect(lasting.length).toBeGreaterThan(1);
    expect(lasting.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(64 * 1024);
    await expectOnce(collector.database, 'hidden', upTo(900));
    await telemetry.close();
    expect(telemetry.counters()).toMatchObject({ delivered: 900 });
  });

  it('drops what it can not deliver, and counts it', async () => {
    const page = openPage(code, 'http://127.0.0.1:9');
    const telemetry = new page.Telemetry({ logger: { info: () => {}, warn: () => {} } });
    telemetry.log('LOST');
    expect(await telemetry.close(10)).toMatchObject({ complete: false });
    expect(telemetry.counters()).toMatchObject({ taken: 1, dropped: { unreachable: 1 } });
  });
});
