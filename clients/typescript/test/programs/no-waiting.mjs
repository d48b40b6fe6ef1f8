// Says which calls of node:fs held it up, from the import to the end of a flush.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const held = [];
let isOurs = false;
for (const [name, original] of Object.entries(fs)) {
  if (!name.endsWith('Sync') || typeof original !== 'function') continue;
  fs[name] = (...args) => {
    // Node reads modules so.
    if (isOurs) held.push(name);
    return original(...args);
  };
}
syncBuiltinESMExports();
const { telemetry } = await import('gravitas-telemetry-client');
isOurs = true;
for (let value = 0; value < 100; value += 1) telemetry.log('HELD', { value });
telemetry.log('');
await telemetry.flush(10);
await telemetry.close();
isOurs = false;
console.log(JSON.stringify({ held, ...telemetry.counters() }));
