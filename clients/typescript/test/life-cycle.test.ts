import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../../../test/support/collector.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { Telemetry } from '../src/index.ts';
import { expectOnce, upTo } from './support/exactly-once.ts';
import { nodeReleases } from './support/nodes.ts';
import { type Program, startProgram } from './support/program.ts';
import { startBlackHole, startScriptedServer } from './support/servers.ts';

/** Clause 5: whatever becomes of the process, every event is stored exactly once. */
let collector: TestCollector;
let spool: string;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.stop());
beforeEach(() => {
  spool = temporaryDirectory().path;
});

/** Delivers what a program has left in the spool, as the next start of an application does. */
async function deliverSpool(): Promise<void> {
  const next = new Telemetry({ url: collector.baseUrl, spoolDirectory: spool });
  next.log('NEXT', { component: 'the next start' });
  await expect.poll(() => readdirSync(spool), { timeout: 20_000 }).toEqual([]);
  await next.close();
}

describe.each(nodeReleases())('with Node $version', ({ path, version }) => {
  interface Run extends Program {
    readonly component: string;
  }
  let runs = 0;
  const run = (name: string, end: string, url = collector.baseUrl): Run => {
    const component = `${version} ${runs++}`;
    const env = {
      TELEMETRY_URL: url,
      TELEMETRY_SPOOL_DIRECTORY: spool,
      COMPONENT: component,
      COUNT: '20',
      WORKERS: '4',
      END: end,
    };
    return { ...startProgram(name, env, path), component };
  };

  it.each([
    ['comes to its end', 'natural', 0],
    ['calls process.exit at once', 'exit', 3],
    ['logs while it exits', 'exit-hook', 0],
    ['calls process.exit while batches are under way', 'exit-later', 3],
    ['rejects', 'reject', 1],
  ])('a program that %s', async (_, end, code) => {
    const { ended, component } = run('log-and-end.mjs', end);
    expect(await ended).toEqual({ code, signal: null });
    await deliverSpool();
    await expectOnce(collector.database, component, upTo(20));
  });

  it.each([
    ['gets SIGTERM', 'SIGTERM', 'signal'],
    ['gets SIGINT', 'SIGINT', 'signal'],
    ['gets SIGHUP', 'SIGHUP', 'signal'],
    ['has two copies of the package, and gets SIGTERM', 'SIGTERM', 'two-copies'],
  ] as const)('a program that %s', async (_, signal, end) => {
    const program = run('log-and-end.mjs', end);
    await program.nextLine();
    program.process.kill(signal);
    expect(await program.ended).toEqual({ code: null, signal });
    // Delivered, not spooled: the service was there.
    expect(readdirSync(spool)).toEqual([]);
    await expectOnce(collector.database, program.component, upTo(20));
  });

  it('a program that sees to SIGTERM by itself', async () => {
    const program = run('log-and-end.mjs', 'own-signal');
    await program.nextLine();
    program.process.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: 4, signal: null });
    await deliverSpool();
    await expectOnce(collector.database, program.component, upTo(20));
  });

  it.each(['natural', 'exit', 'signal'])('a black-holed service, and the end: %s', async (end) => {
    const hole = await startBlackHole();
    const program = run('log-and-end.mjs', end, hole.url);
    if (end === 'signal') {
      await program.nextLine();
      program.process.kill('SIGTERM');
    }
    await program.ended;
    // It did not wait until the first try was given up, which takes longer than an end may.
    expect(hole.connections).toBeLessThanOrEqual(1);
    await hole.stop();
    expect(readdirSync(spool)).toHaveLength(1);
    await deliverSpool();
    await expectOnce(collector.database, program.component, upTo(20));
  });

  it.each(['natural', 'exit-later', 'signal'])(
    'a service that answers nonsense, and the end: %s',
    async (end) => {
      const nonsense = await startScriptedServer([{ status: 200, body: '<html>' }]);
      const program = run('log-and-end.mjs', end, nonsense.url);
      if (end === 'signal') {
        await program.nextLine();
        program.process.kill('SIGTERM');
      }
      await program.ended;
      await nonsense.stop();
      expect(nonsense.batches.length).toBeGreaterThan(0);
      await deliverSpool();
      await expectOnce(collector.database, program.component, upTo(20));
    },
  );

  it.each(['natural', 'exit'])('worker threads, and their end: %s', async (end) => {
    const { ended, component } = run('workers.mjs', end);
    expect(await ended).toEqual({ code: 0, signal: null });
    await deliverSpool();
    const values = upTo(80).map((value) => Math.floor(value / 4));
    await expectOnce(collector.database, component, values);
  });

  it('kill -9 of the application between spool and send', async () => {
    const program = run('on-demand.mjs', 'kill', `http://127.0.0.1:${await freePort()}`);
    program.process.stdin?.write('20\n');
    expect(JSON.parse(await program.nextLine())).toMatchObject({ spooled: 20, delivered: 0 });
    program.process.kill('SIGKILL');
    expect(await program.ended).toEqual({ code: null, signal: 'SIGKILL' });
    await deliverSpool();
    await expectOnce(collector.database, program.component, upTo(20));
  });

  it('a process that is frozen while its connections go', async () => {
    const port = String(await freePort());
    const before = await startCollector({ TELEMETRY_PORT: port }, collector.database);
    const program = run('on-demand.mjs', 'freeze', before.baseUrl);
    program.process.stdin?.write('20\n');
    await program.nextLine();
    program.process.kill('SIGSTOP');
    await before.stop();
    const after = await startCollector({ TELEMETRY_PORT: port }, collector.database);
    program.process.kill('SIGCONT');
    program.process.stdin?.end('20\n');
    expect(JSON.parse(await program.nextLine())).toMatchObject({ taken: 40, delivered: 40 });
    await program.ended;
    await expectOnce(collector.database, program.component, upTo(40));
    await after.stop();
  });
});
