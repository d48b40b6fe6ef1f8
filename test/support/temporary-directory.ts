import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where those of a run are, so that its end removes what processes have left that were killed. */
const directoryOfRun = 'TEST_RUN_DIRECTORY';
const created = new Set<string>();
process.once('exit', () => {
  for (const path of created) rmSync(path, { recursive: true, force: true });
});

/** A new folder, removed when the process ends at the latest, that PostgreSQL can pass through whoever it runs as. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(process.env[directoryOfRun] ?? tmpdir(), 'telemetry-test-'));
  chmodSync(path, 0o711);
  created.add(path);
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Makes the folder of a run, in which this process and those that it starts have theirs. */
export function temporaryDirectoryOfRun(): { remove(): void } {
  const directory = temporaryDirectory();
  process.env[directoryOfRun] = directory.path;
  return directory;
}
