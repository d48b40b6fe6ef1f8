import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../src/postgres/pool.ts';
import { silentLogger } from '../support/logger.ts';
import {
  authority,
  otherAuthority,
  startTcpPostgres,
  type TcpPostgres,
  type TcpPostgresOptions,
} from '../support/tcp-postgres.ts';

const pools: pg.Pool[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
});

/** Whether a connection is encrypted; what is in its way otherwise. */
async function connect(server: TcpPostgres, query: string, host = 'localhost'): Promise<unknown> {
  try {
    const pool = createPool({
      connection: {
        connectionString: `postgresql://postgres@${host}:${server.port}/postgres${query}`,
      },
      applicationName: 'test',
      connectionsMax: 1,
      limits: {},
      logger: silentLogger,
    });
    pools.push(pool);
    const text = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
    return (await pool.query(text)).rows[0].ssl;
  } catch (error) {
    return (error as Error).message;
  }
}

const verified = `sslrootcert=${authority}`;
const unverified = `sslrootcert=${otherAuthority}`;
const refused = expect.stringMatching(/certificate|issuer/);

interface Case {
  readonly server: TcpPostgresOptions;
  /** By the parameters of the URL; for a host that is not in the certificate behind `@`. */
  readonly outcomes: Readonly<Record<string, unknown>>;
}

const noTls = expect.stringMatching(/does not support SSL/);
const notAllowed = expect.stringMatching(/pg_hba/);

describe.each<Case>([
  {
    server: { tls: true },
    outcomes: {
      '': true,
      'sslmode=disable': false,
      'sslmode=allow': false,
      'sslmode=prefer': true,
      'sslmode=require': true,
      [`sslmode=require&${verified}`]: true,
      [`sslmode=require&${verified}@127.0.0.1`]: true,
      [`sslmode=require&${unverified}`]: refused,
      [`sslmode=verify-ca&${verified}`]: true,
      [`sslmode=verify-ca&${verified}@127.0.0.1`]: true,
      [`sslmode=verify-ca&${unverified}`]: refused,
      [`sslmode=verify-full&${verified}`]: true,
      [`sslmode=verify-full&${verified}@127.0.0.1`]:
        expect.stringMatching(/altnames|does not match/),
      [`sslmode=verify-full&${unverified}`]: refused,
      'sslmode=verify-full&sslrootcert=system': refused,
      'ssl=true': true,
    },
  },
  {
    server: { tls: false },
    outcomes: {
      '': false,
      'sslmode=disable': false,
      'sslmode=allow': false,
      'sslmode=prefer': false,
      'sslmode=require': noTls,
      [`sslmode=verify-full&${verified}`]: noTls,
    },
  },
  {
    server: { tls: true, access: 'hostssl' },
    outcomes: { '': true, 'sslmode=allow': true, 'sslmode=disable': notAllowed },
  },
  {
    server: { tls: true, access: 'hostnossl' },
    outcomes: { '': false, 'sslmode=prefer': false, 'sslmode=require': notAllowed },
  },
])('sslmode, with a server of $server', ({ server: options, outcomes }) => {
  let server: TcpPostgres;
  beforeAll(async () => {
    server = await startTcpPostgres(options);
  });
  afterAll(() => server.stop());

  it.each(Object.entries(outcomes))('%s', async (parameters, outcome) => {
    const [query = '', host] = parameters.split('@');
    expect(await connect(server, query === '' ? '' : `?${query}`, host)).toEqual(outcome);
  });
});

it.each([
  ['sslmode=verify-full&sslrootcert=/nowhere/ca.crt', /DATABASE_URL: sslrootcert.*ENOENT/],
  ['sslmode=require&sslrootcert=/nowhere/ca.crt', /DATABASE_URL: sslrootcert.*ENOENT/],
  ['sslmode=require&sslcert=/nowhere/a.crt', /DATABASE_URL: sslcert.*ENOENT/],
  ['sslmode=verify-ca', /DATABASE_URL: sslmode=verify-ca needs a certificate/],
  ['sslmode=require&sslrootcert=system', /sslrootcert=system needs sslmode=verify-full/],
])('%s ends the start', async (query, message) => {
  expect(await connect({ port: 1 } as TcpPostgres, `?${query}`)).toMatch(message);
});
