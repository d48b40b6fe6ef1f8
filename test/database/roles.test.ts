import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Collector } from '../../src/collector.ts';
import { runCommand } from '../support/command.ts';
import { testConfig } from '../support/config.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { getJson, postJson } from '../support/http.ts';
import { silentLogger } from '../support/logger.ts';
import { insertOlder, olderTelemetry } from '../support/older-tables.ts';
import { untilReason } from '../support/readiness.ts';

// Several commands run in each of them.
vi.setConfig({ testTimeout: 150_000 });

const owner = `owner_${process.pid}`;
const runner = `runner_${process.pid}`;
let database: TestDatabase;
let collector: Collector | undefined;

// As docs/configuration.md has it.
beforeEach(async () => {
  database = await createDatabase('empty');
  await database.rows(`
    create role ${owner} login; create role ${runner} login;
    grant usage, create on schema public to ${owner};
    grant usage on schema public to ${runner};
    alter default privileges for role ${owner} in schema public
      grant select, insert, update, delete on tables to ${runner}`);
});
afterEach(async () => {
  await collector?.stop();
  collector = undefined;
  await database.rows(
    `drop owned by ${owner} cascade; drop owned by ${runner}; drop role ${owner}; drop role ${runner}`,
  );
  await database.drop();
});

function urlOf(role: string): string {
  const url = new URL(database.url);
  url.username = role;
  return url.toString();
}

const asOwner = (...args: string[]) =>
  runCommand(args, { DATABASE_URL: urlOf(owner), TELEMETRY_PARTITION_DAYS_AHEAD: '10' });

async function startRunner(): Promise<string> {
  collector = await Collector.start(testConfig({ DATABASE_URL: urlOf(runner) }), silentLogger);
  return `http://127.0.0.1:${collector.port}`;
}

const post = (baseUrl: string, body: object = { event_type: 'A' }) =>
  postJson(`${baseUrl}/v1/telemetry/log`, body);

it('works as a role that may create nothing, with what its owner has made', async () => {
  expect((await asOwner('migrate')).stdout).toContain('the schema is up to date');
  const baseUrl = await startRunner();
  await collector?.untilReady();
  expect((await getJson(`${baseUrl}/readyz`)).body.reasons).toEqual([]);
  expect((await post(baseUrl)).body.durability).toBe('DURABILITY_COMMITTED');
  expect((await getJson(`${baseUrl}/v1/telemetry/events`)).body).toHaveLength(1);
  expect((await getJson(`${baseUrl}/v1/telemetry/footprint`)).status).toBe(200);
});

it('says that its owner has to come when partitions run out, and stores meanwhile', async () => {
  await asOwner('migrate');
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  await database.rows(`drop table system_telemetry_${tomorrow.replaceAll('-', '')}`);
  const baseUrl = await startRunner();
  const { status } = await untilReason(
    baseUrl,
    /partitions: permission denied for schema public: run "gravitas-telemetry migrate" as/,
  );
  expect(status).toBe(200);
  expect((await post(baseUrl)).body.durability).toBe('DURABILITY_COMMITTED');
  await asOwner('migrate');
  while ((await getJson(`${baseUrl}/readyz`)).body.reasons.length > 0) await sleep(100);
});

it('says who has to make the tables, and spools until they are there', async () => {
  const baseUrl = await startRunner();
  await untilReason(baseUrl, /schema: permission denied for schema public: run .* migrate/);
  expect((await post(baseUrl)).body.durability).toBe('DURABILITY_SPOOLED');
  await asOwner('migrate');
  await collector?.untilReady();
  while ((await database.count('select count(*) from system_telemetry')) < 1) await sleep(20);
  await database.rows('drop table system_telemetry cascade');
  await untilReason(baseUrl, /schema: permission denied for schema public: run .* migrate/);
  while ((await post(baseUrl)).body.durability !== 'DURABILITY_SPOOLED') await sleep(20);
  await asOwner('migrate');
  while ((await post(baseUrl)).body.durability !== 'DURABILITY_COMMITTED') await sleep(20);
});

it('leaves the copying of an older table to its owner', async () => {
  await database.rows(`set role ${owner}; ${olderTelemetry}; reset role`);
  await insertOlder(database, 'OLD', 50);
  await asOwner('migrate');
  const baseUrl = await startRunner();
  await untilReason(baseUrl, /must be owner of .*: run "gravitas-telemetry legacy copy" as/);
  expect((await asOwner('legacy', 'copy')).code).toBe(0);
  expect(await database.count('select count(*) from system_telemetry')).toBe(50);
  while ((await getJson(`${baseUrl}/readyz`)).body.reasons.length > 0) await sleep(100);
});
