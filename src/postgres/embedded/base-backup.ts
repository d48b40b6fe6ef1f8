import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import type { ConnectionSettings } from '../pool.ts';

const slot = 'gravitas_telemetry_backup';

/** What PostgreSQL makes anew, and what is of the running server only. */
const leftOut = [
  /^postmaster\.(pid|opts)$/,
  /^(pg_wal|pg_replslot|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)\/./,
  /(^|\/)(pgsql_tmp.*|pg_internal\.init.*|\.s\.PGSQL\..*)$/,
];

/**
 * Copies the directory of a running server to an empty one, from which a server recovers to the
 * moment at which the copy was complete. In the way of pg_basebackup, which is not among the
 * binaries: https://www.postgresql.org/docs/current/continuous-archiving.html
 */
export async function copyCluster(
  connection: ConnectionSettings,
  data: string,
  target: string,
): Promise<void> {
  const client = new pg.Client({ ...connection, database: 'postgres' });
  client.on('error', () => {});
  await client.connect();
  try {
    // As long as this session lasts, no log that the copy needs is removed.
    await client.query('select pg_create_physical_replication_slot($1, true, true)', [slot]);
    const first = await client.query(
      "select pg_walfile_name(pg_backup_start('gravitas-telemetry', true)) as name",
    );
    await copyTree(data, target, (path) => !leftOut.some((pattern) => pattern.test(path)));
    const last = await client.query(
      'select labelfile, spcmapfile, pg_walfile_name(lsn) as name from pg_backup_stop(false)',
    );
    const { labelfile, name } = last.rows[0];
    await writeFile(join(target, 'backup_label'), labelfile, { mode: 0o600 });
    const isNeeded = (file: string) => file >= first.rows[0].name && file <= name;
    await copyTree(join(data, 'pg_wal'), join(target, 'pg_wal'), isNeeded);
  } finally {
    await client.end();
  }
}

/** `isWanted`: of the path from `source` on. What goes away meanwhile was not needed. */
export async function copyTree(
  source: string,
  target: string,
  isWanted: (path: string) => boolean = () => true,
): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 });
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name).slice(source.length + 1);
    if (!isWanted(path)) continue;
    if (entry.isDirectory()) await mkdir(join(target, path), { recursive: true, mode: 0o700 });
    else if (entry.isFile()) {
      await mkdir(dirname(join(target, path)), { recursive: true, mode: 0o700 });
      await copyFile(join(source, path), join(target, path)).catch(unlessGone);
    }
  }
}

function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
