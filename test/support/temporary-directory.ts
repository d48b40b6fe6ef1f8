import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const created = new Set<string>();
process.once('exit', () => {
  for (const path of created) rmSync(path, { recursive: true, force: true });
});

/** A new folder, removed when the process ends at the latest, that PostgreSQL can pass through whoever it runs as. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'telemetry-test-'));
  chmodSync(path, 0o711);
  created.add(path);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
