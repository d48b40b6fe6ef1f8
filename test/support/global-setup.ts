import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { DatabaseService } from '../../src/database/database-service.ts';
import { EmbeddedPostgres } from '../../src/postgres/embedded/server.ts';
import { testConfig } from './config.ts';
import { databaseUrl, templateName } from './database.ts';
import { silentLogger } from './logger.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** One PostgreSQL for all test files, and a migrated database that each of them clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = temporaryDirectory();
  const postgres = await EmbeddedPostgres.start(join(directory.path, 'data'), silentLogger);
  const socket = postgres.connection.host as string;
  const admin = new pg.Client({ connectionString: databaseUrl(socket, 'postgres') });
  await admin.connect();
  await admin.query(`create database ${templateName}`);
  await admin.end();
  await migrateTemplate(socket);
  project.provide('postgresSocket', socket);
  project.provide('citus', undefined);
  return async () => {
    await postgres.stop();
    directory.remove();
  };
}

async function migrateTemplate(socket: string): Promise<void> {
  const config = testConfig({ DATABASE_URL: databaseUrl(socket, templateName) });
  const database = await DatabaseService.open(config, silentLogger);
  await database.migrate();
  await database.close();
}

declare module 'vitest' {
  interface ProvidedContext {
    postgresSocket: string;
  }
}
