import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageRoutes } from '../../src/web/page-routes.ts';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { buildDashboard } from '../support/dashboard.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const built = join(import.meta.dirname, '../../dashboard/dist');
const page = () => readFileSync(join(built, 'index.html'), 'utf8');
const assets = () => globSync('assets/*.{js,css,svg}', { cwd: built });

let telemetry: TestCollector;
beforeAll(async () => {
  await buildDashboard();
  // The page itself needs no key, though everything else does.
  const TELEMETRY_API_KEYS = 'reader query a-secret-of-twenty-characters';
  telemetry = await startCollector({ TELEMETRY_API_KEYS });
}, 120_000);
afterAll(() => telemetry?.stop());

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(telemetry.baseUrl + path, {
    method,
    headers: { 'accept-encoding': 'identity', ...headers },
  });

describe('the page at /', () => {
  it('is served to everybody, under a policy that lets nobody else in', async () => {
    const answer = await ask('/');
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe(page());
    const header = (name: string) => answer.headers.get(name);
    const policy = header('content-security-policy')?.split('; ');
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
      ]),
    );
    expect(policy?.join()).not.toMatch(/unsafe|https?:|\*/);
    expect(header('x-content-type-options')).toBe('nosniff');
    expect(header('referrer-policy')).toBe('no-referrer');
    expect(header('content-type')).toBe('text/html; charset=utf-8');
  });

  it('is asked for anew each time, and not sent again while it is the same', async () => {
    const { headers } = await ask('/');
    expect(headers.get('cache-control')).toBe('no-cache');
    const again = await ask('/', { 'if-none-match': headers.get('etag') as string });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect((await ask('/', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('takes GET and HEAD only', async () => {
    const head = await ask('/', {}, 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(Number(head.headers.get('content-length'))).toBe(Buffer.byteLength(page()));
    const post = await ask('/', {}, 'POST');
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('is no place for what has none', async () => {
    for (const path of ['/nothing', '/assets/', '/assets/nothing.js', '/index.html']) {
      expect([path, (await ask(path)).status]).toEqual([path, 404]);
    }
  });
});

describe('what the page loads', () => {
  it('is all of its own, in files', () => {
    const addresses = [...page().matchAll(/(?:src|href)="([^"]+)"/g)].map(([, to]) => to);
    expect(addresses.length).toBeGreaterThan(2);
    for (const address of addresses) expect(address).toMatch(/^\/assets\//);
    expect(page()).not.toMatch(/<style|style="|<script>|onload=/);
  });

  it('may be kept for ever, and comes compressed to whoever takes it', async () => {
    for (const name of assets()) {
      const bytes = readFileSync(join(built, name));
      const plain = await ask(`/${name}`);
      expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      expect(Buffer.from(await plain.arrayBuffer()).equals(bytes)).toBe(true);
      const codings = { br: brotliDecompressSync, gzip: gunzipSync };
      for (const [coding, decompress] of Object.entries(codings)) {
        // Without a client that decompresses by itself.
        const route = pageRoutes(built).find(({ path }) => path === `/${name}`);
        expect(route).toBeDefined();
        const answer = await ask(
          `/${name}`,
          { 'accept-encoding': `zstd, ${coding};q=0.8` },
          'HEAD',
        );
        expect(answer.headers.get('content-encoding')).toBe(coding);
        expect(answer.headers.get('vary')).toContain('accept-encoding');
        const file = readFileSync(join(built, `${name}.${coding === 'br' ? 'br' : 'gz'}`));
        expect(Number(answer.headers.get('content-length'))).toBe(file.length);
        expect(decompress(file).equals(bytes)).toBe(true);
      }
      const refused = await ask(`/${name}`, { 'accept-encoding': 'gzip;q=0, br;q=0' }, 'HEAD');
      expect(refused.headers.get('content-encoding')).toBeNull();
    }
  });

  it('is at most 150 KB in all, with gzip', () => {
    const sizes = [...assets(), 'index.html'].map(
      (name) => statSync(join(built, `${name}.gz`)).size,
    );
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(10_000);
    expect(total).toBeLessThanOrEqual(150_000);
  });
});

it('says how to build the page where nobody has', async () => {
  const directory = temporaryDirectory();
  const [route, ...others] = pageRoutes(directory.path);
  directory.remove();
  expect(others).toEqual([]);
  expect(route?.path).toBe('/');
  const [call, request, response] = [{}, {}, {}] as Parameters<NonNullable<typeof route>['serve']>;
  await expect(route?.serve(call, request, response)).rejects.toThrow('npm run build:dashboard');
});
