import { spawn } from 'node:child_process';
import { on } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';

const file = new URL('../src/idle-heap.ts', import.meta.url).pathname;

/** Leaves garbage behind, and is idle from then on. */
const program = `
  (await import('${file}')).letIdleHeapShrink();
  Array.from({ length: 300_000 }, (_, index) => ({ index }));
  setInterval(() => {}, 1000);`;

it('has V8 see that it is idle, and give memory back', async () => {
  const options = ['--disable-warning=ExperimentalWarning', '--trace-memory-reducer'];
  const child = spawn(process.execPath, [...options, '--input-type=module', '--eval', program]);
  const seen: string[] = [];
  // V8 looks every 8 s: the first time it may not know yet how much is allocated.
  for await (const [line] of on(createInterface(child.stdout), 'line')) {
    const rate = /Memory reducer: (low|high) alloc/.exec(line)?.[1];
    if (rate) seen.push(rate);
    if (rate === 'low' || seen.length === 2) break;
  }
  expect(seen).toContain('low');
  child.kill();
}, 60_000);
