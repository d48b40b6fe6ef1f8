import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const created = new Set<string>();
process.once('exit', removeTemporaryDirectories);

/** All that this process has made. What somebody still writes to is no reason to fail. */
export function removeTemporaryDirectories(): void {
  for (const path of created) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {}
  }
  created.clear();
}

/** A new folder, removed with the test file or the process, that PostgreSQL can pass through whoever it runs as. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'telemetry-test-'));
  chmodSync(path, 0o711);
  created.add(path);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
