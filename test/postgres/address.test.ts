import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../src/config.ts';
import { parseAddress } from '../../src/postgres/address.ts';

const plain = { sslMode: 'prefer', files: {}, directTls: false, writable: false, settings: {} };

describe('a URL of libpq', () => {
  it.each([
    ['postgresql://', { hosts: [{ host: 'localhost', port: 5432 }] }],
    ['postgres://db', { hosts: [{ host: 'db', port: 5432 }] }],
    [
      'postgresql://somebody:s3cret@db.example:6543/telemetry',
      {
        hosts: [{ host: 'db.example', port: 6543 }],
        user: 'somebody',
        password: 's3cret',
        database: 'telemetry',
      },
    ],
    [
      'postgresql://a%40b:p%2F%23%3F%3A%25@db/my%20data',
      { hosts: [{ host: 'db', port: 5432 }], user: 'a@b', password: 'p/#?:%', database: 'my data' },
    ],
    // What can be told apart without being encoded.
    [
      'postgresql://a:p:q@r@db',
      { hosts: [{ host: 'db', port: 5432 }], user: 'a', password: 'p:q@r' },
    ],
    [
      'postgresql://a@db1:1,db2,[::1]:3/x?target_session_attrs=read-write',
      {
        hosts: [
          { host: 'db1', port: 1 },
          { host: 'db2', port: 5432 },
          { host: '::1', port: 3 },
        ],
        user: 'a',
        database: 'x',
        writable: true,
      },
    ],
    [
      'postgresql:///x?host=/run/a,/run/b&port=5433&user=u&target_session_attrs=any',
      {
        hosts: [
          { host: '/run/a', port: 5433 },
          { host: '/run/b', port: 5433 },
        ],
        user: 'u',
        database: 'x',
      },
    ],
    ['postgresql://%2Frun%2Fpg/x', { hosts: [{ host: '/run/pg', port: 5432 }], database: 'x' }],
    [
      'postgresql://db?sslmode=verify-full&sslrootcert=/ca.crt&sslcert=/c&sslkey=/k&application_name=mine&uselibpqcompat=true',
      {
        hosts: [{ host: 'db', port: 5432 }],
        sslMode: 'verify-full',
        files: { sslrootcert: '/ca.crt', sslcert: '/c', sslkey: '/k' },
      },
    ],
    [
      'postgresql://db?options=-c%20search_path%3Done,two%20-c%20work_mem%3D1MB%20--jit=off',
      {
        hosts: [{ host: 'db', port: 5432 }],
        settings: { search_path: 'one,two', work_mem: '1MB', jit: 'off' },
      },
    ],
    [
      'postgresql://db?options=-c%20search_path%3Done,%5C%20two',
      { hosts: [{ host: 'db', port: 5432 }], settings: { search_path: 'one, two' } },
    ],
  ])('%s', (url, expected) => {
    expect(parseAddress(url)).toEqual({ ...plain, ...expected });
  });
});

describe('a URL that can not be read', () => {
  it.each([
    ['postgresql://a:s3c/ret@db', '%2F'],
    ['postgresql://a:12/34@db/x', '%2F'],
    ['postgresql://a:s3c#ret@db', '%23'],
    ['postgresql://a:s3c?ret@db', '%3F'],
    ['postgresql://a:s3c?ret=1@db', '%3F'],
    ['postgresql://a:100%@db', '%25'],
    ['postgresql://a:s3cret@db:http', 'port'],
    ['postgresql://a:s3cret@db:70000', 'port'],
    [
      'postgresql://a:s3cret@db?sslmode=always',
      'disable, allow, prefer, require, verify-ca, verify-full',
    ],
    ['postgresql://a:s3cret@db?sslmod=require', 'sslmod'],
    ['postgresql://a:s3cret@db?target_session_attrs=standby', 'read-write'],
    ['postgresql://a:s3cret@db1,db2,db3?port=1,2', '3 hosts and 2 ports'],
    ['postgresql://a:s3cret@db?options=-E', '-c name=value'],
  ])('%s ends the start, and says what to write', (url, says) => {
    const read = () => readConfig({ DATABASE_URL: url }, {});
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/^DATABASE_URL: its value is not valid: it /);
    expect(read).toThrow(says);
    expect(read).toThrow(expect.not.stringMatching(/s3c|ret@|34@/));
  });
});
