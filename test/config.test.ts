import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { checkMemory } from '../src/config/memory.ts';
import {
  ConfigError,
  type Environment,
  type OptionName,
  optionNames,
  options,
  readConfig,
  strayVariables,
  withoutSecrets,
} from '../src/config.ts';
import { certificateFile, keyFile } from './support/certificates.ts';
import { createDatabase } from './support/database.ts';
import { spawnCollector } from './support/process.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

interface Expectation {
  /** Other than the default. */
  readonly good: string;
  readonly value: unknown;
  readonly bad: readonly string[];
  /** What the error says of a bad value. */
  readonly expects: string;
}

const wholeNumber = (good: number, min: number, max: number): Expectation => ({
  good: String(good),
  value: good,
  bad: [
    '',
    'x',
    '-1',
    '1.5',
    ' 1',
    '1e3',
    '0x10',
    ...(min > 0 ? [`${min - 1}`] : []),
    `${max + 1}`,
  ],
  expects: `expects a whole number from ${min} to ${max}`,
});

const text = (good: string, bad: readonly string[], expects: string): Expectation => ({
  good,
  value: good,
  bad,
  expects,
});

const file = (good: string): Expectation => text(good, ['file.pem'], 'expects an absolute path');

const mebibyte = 1024 * 1024;

const expectations: Readonly<Record<OptionName, Expectation>> = {
  host: text('::1', [''], 'expects an address or host name'),
  port: wholeNumber(0, 0, 65_535),
  processes: wholeNumber(2, 1, 16),
  databaseUrl: text(
    'postgresql://somebody:s3cret@db.example:5432/telemetry',
    ['mysql://somebody:s3cret@db', 'db.example', ' '],
    'expects a URL such as postgresql://user:password@host:5432/database',
  ),
  dataDirectory: text(
    '/srv/telemetry',
    ['', 'data', './data', '~/data'],
    'expects an absolute path',
  ),
  memoryBytesMax: wholeNumber(512 * mebibyte, 64 * mebibyte, 1024 * 1024 * mebibyte),
  apiKeys: text(
    'app ingest,query 0123456789abcdef0123',
    [' ', 'app', 'app ingest'],
    'expects keys such as app ingest,query <secret>',
  ),
  apiKeysFile: text('/run/secrets/keys', [' ', 'keys', './keys'], 'expects an absolute path'),
  anonymousScopes: {
    good: 'ingest, query',
    value: ['ingest', 'query'],
    bad: ['', 'everything', 'auto,query', 'ingest;query'],
    expects: 'expects auto, none, or a list of ingest, query and admin',
  },
  failedAttemptsMax: wholeNumber(50, 1, 1_000_000),
  logLevel: text(
    'debug',
    ['', 'verbose', 'INFO'],
    'expects one of trace, debug, info, warn, error, fatal, silent',
  ),
  logLevelFile: file('/etc/telemetry/log-level'),
  logFormat: text('json', ['', 'xml'], 'expects one of auto, json, pretty'),
  writers: wholeNumber(3, 1, 16),
  groupRowsMax: wholeNumber(100, 1, 100_000),
  groupBytesMax: wholeNumber(mebibyte, 1024, 256 * mebibyte),
  groupAgeMsMax: wholeNumber(10, 0, 500),
  bufferBytesMax: wholeNumber(8 * mebibyte, mebibyte, 4096 * mebibyte),
  messageBytesMax: wholeNumber(mebibyte, 1024, 64 * mebibyte),
  batchRowsMax: wholeNumber(500, 1, 100_000),
  streamBatchesMax: wholeNumber(8, 1, 10_000),
  connectionsMax: wholeNumber(20, 1, 100_000),
  jsonValuesMax: wholeNumber(1000, 100, 10_000_000),
  connectionCallsMax: wholeNumber(8, 1, 10_000),
  callsMax: wholeNumber(100, 1, 1_000_000),
  streamsMax: wholeNumber(10, 1, 1_000_000),
  tailsMax: wholeNumber(3, 0, 10_000),
  receiveBytesMax: wholeNumber(mebibyte, 1024, 4096 * mebibyte),
  headerBytesMax: wholeNumber(2048, 1024, mebibyte),
  headerMsMax: wholeNumber(500, 100, 600_000),
  requestMsMax: wholeNumber(500, 100, 3_600_000),
  idleMsMax: wholeNumber(500, 100, 86_400_000),
  streamIdleMsMax: wholeNumber(500, 100, 86_400_000),
  connectionMsMax: wholeNumber(600_000, 0, 86_400_000),
  streamMsMax: wholeNumber(500, 100, 2_000_000_000),
  resetsMax: wholeNumber(60, 30, 1_000_000),
  tlsCertFile: file('/etc/telemetry/tls.crt'),
  tlsKeyFile: file('/etc/telemetry/tls.key'),
  tlsKeyPassword: text('s3cret', ['x'.repeat(1025)], 'expects a text of at most 1024 characters'),
  tlsClientCaFile: file('/etc/telemetry/clients.crt'),
  tlsClientAuth: text('optional', ['', 'none'], 'expects one of require, optional'),
  tlsMinVersion: text('1.3', ['', '1.1'], 'expects one of 1.2, 1.3'),
  tlsPlainText: text('allow', ['', 'yes'], 'expects one of refuse, allow'),
  corsOrigins: {
    good: 'https://Dashboard.example:443, null,http://[::1]:3000/,capacitor://localhost',
    value: ['https://dashboard.example', 'null', 'http://[::1]:3000', 'capacitor://localhost'],
    bad: ['dashboard.example', 'https://a.example/page', 'https://*.example', 'https://a@b', 'x,*'],
    expects: 'expects * or origins such as https://dashboard.example, apart by commas',
  },
  unaryMsMax: wholeNumber(500, 10, 60_000),
  commitMsMax: wholeNumber(300, 10, 60_000),
  streamCommitMsMax: wholeNumber(3000, 10, 60_000),
  spoolBytesMax: wholeNumber(mebibyte, 0, 1024 * 1024 * mebibyte),
  diskReserveBytes: wholeNumber(mebibyte, 0, 1024 * 1024 * mebibyte),
  eventAgeDaysMax: wholeNumber(7, 1, 365),
  partitionDaysAhead: wholeNumber(30, 2, 366),
  eventAheadMinutesMax: wholeNumber(5, 1, 1440),
  queryConnectionsMax: wholeNumber(2, 1, 64),
  queryMsMax: wholeNumber(3000, 100, 600_000),
  pricesFile: text(
    '/etc/prices.json',
    ['prices.json', './prices.json'],
    'expects an absolute path',
  ),
  retentionEventDays: wholeNumber(7, 0, 36_500),
  retentionUsageDays: wholeNumber(7, 0, 36_500),
  retentionQuarterDays: wholeNumber(7, 0, 36_500),
  retentionHourDays: wholeNumber(7, 0, 36_500),
  retentionDayDays: wholeNumber(7, 0, 36_500),
  retentionDeadLetterDays: wholeNumber(7, 0, 36_500),
  retentionAuditDays: wholeNumber(7, 0, 36_500),
  retentionBytesMax: {
    ...wholeNumber(10 * mebibyte, 0, 1024 ** 5),
    expects: `expects auto, or a whole number from 0 to ${1024 ** 5}`,
  },
  retentionAdopted: text('drop', ['', 'DROP'], 'expects one of keep, drop'),
  rollupVerifyHour: {
    good: '0',
    value: 0,
    bad: ['', '24', '-1', 'on', '3:00'],
    expects: 'expects off, or an hour from 0 to 23',
  },
  rollupSeriesMax: wholeNumber(10_000, 1, 1_000_000),
  legacyTimeZone: text(
    'Europe/Berlin',
    ['', 'Europe/Berln', '+02:00', 'UTC+2', "UTC'; drop table x"],
    'expects a time zone such as UTC or Europe/Berlin',
  ),
  shutdownDelayMs: wholeNumber(5000, 0, 60_000),
  shutdownMsMax: wholeNumber(4000, 100, 600_000),
};

const flagName = (name: OptionName) => options[name].flag.split(' ')[0] as string;
const cases = optionNames.map((name) => ({ name, ...options[name], ...expectations[name] }));

describe('every option', () => {
  it.each(cases)('$env or $flag sets $name', ({ name, env, good, value }) => {
    expect(readConfig({ [env]: good }, {})[name]).toEqual(value);
    expect(readConfig({}, { [name]: good })[name]).toEqual(value);
    expect(readConfig({}, {})[name]).not.toEqual(value);
  });

  it.each(cases)('$name by flag goes before the environment', ({ name, env, good, value, bad }) => {
    const overruled = bad[0] as string;
    expect(readConfig({ [env]: overruled }, { [name]: good })[name]).toEqual(value);
    expect(readConfig({ [env]: good }, { [name]: undefined })[name]).toEqual(value);
  });

  it.each(cases)(
    '$env and $flag say what they expect',
    ({ name, env, bad, expects, ...option }) => {
      for (const value of bad) {
        const shown = 'secret' in option ? 'its value' : JSON.stringify(value);
        expect(() => readConfig({ [env]: value }, {})).toThrow(
          new ConfigError(`${env}: ${shown} is not valid: ${expects}`),
        );
        expect(() => readConfig({}, { [name]: value })).toThrow(
          new ConfigError(`${flagName(name)}: ${shown} is not valid: ${expects}`),
        );
      }
    },
  );

  it('has a name of its own in the environment and as a flag', () => {
    expect(new Set(cases.map(({ env }) => env)).size).toBe(cases.length);
    expect(new Set(optionNames.map(flagName)).size).toBe(cases.length);
    for (const { env } of cases) expect(env).toMatch(/^(DATABASE_URL|TELEMETRY_[A-Z_]+)$/);
  });

  it('has bounds that it may reach', () => {
    for (const { name, expects } of cases) {
      const [, ...bounds] = /from (\d+) to (\d+)$/.exec(expects) ?? [];
      for (const bound of bounds) {
        expect(readConfig({}, { [name]: bound })[name]).toBe(Number(bound));
      }
    }
  });
});

it('keeps data where the user does, or where a service does when root runs it', () => {
  const directory = (env: Environment) => readConfig(env, {}).dataDirectory;
  const isRoot = process.getuid?.() === 0;
  const base = isRoot ? '/var/lib' : '/elsewhere';
  expect(directory({ XDG_DATA_HOME: '/elsewhere' })).toBe(`${base}/gravitas-telemetry`);
  expect(directory({ XDG_DATA_HOME: '' })).toBe(directory({}));
});

describe('memory', () => {
  const of = (mebibytes: number, env: Environment = {}) =>
    readConfig({ TELEMETRY_MEMORY_BYTES_MAX: String(mebibytes * mebibyte), ...env }, {});

  it('is shared out where it is short, and only the defaults are', () => {
    expect(of(256)).toMatchObject({
      bufferBytesMax: 16 * mebibyte,
      receiveBytesMax: 16 * mebibyte,
      groupBytesMax: 4 * mebibyte,
      messageBytesMax: 2 * mebibyte,
    });
    const given = of(256, { TELEMETRY_BUFFER_BYTES_MAX: '5000000' });
    expect(given).toMatchObject({ bufferBytesMax: 5_000_000, receiveBytesMax: 16 * mebibyte });
    expect(of(1024)).toEqual({ ...of(65_536), memoryBytesMax: 1024 * mebibyte });
  });

  it('that is too little for what was chosen ends the start, with what to do', () => {
    const url = { DATABASE_URL: 'postgresql://somebody@db.example/telemetry' };
    expect(() => checkMemory(of(255))).toThrow(
      'TELEMETRY_MEMORY_BYTES_MAX: 255 MiB of memory are too little: at least 256 MiB are needed; give it more, or a PostgreSQL elsewhere by DATABASE_URL, with which 160 MiB do',
    );
    expect(() => checkMemory(of(159, url))).toThrow('at least 160 MiB are needed; give it more');
    expect(() => checkMemory(of(256, { TELEMETRY_BUFFER_BYTES_MAX: '67108864' }))).toThrow(
      'TELEMETRY_BUFFER_BYTES_MAX (64 MiB) and TELEMETRY_RECEIVE_BYTES_MAX (16 MiB) together: lower them',
    );
    expect(() => checkMemory(of(607, { ...url, TELEMETRY_PROCESSES: '3' }))).toThrow(
      'at least 608 MiB are needed for 3 processes',
    );
    for (const enough of [of(256), of(160, url), of(4096)]) checkMemory(enough);
  });
});

describe('variables that are none', () => {
  it.each([
    ['TELEMETRY_PROT', 'TELEMETRY_PORT'],
    ['TELEMETRY_LOGLEVEL', 'TELEMETRY_LOG_LEVEL'],
    ['TELEMETRY_QUERY_MAX_MS', 'TELEMETRY_QUERY_MS_MAX'],
    ['telemetry_host', 'TELEMETRY_HOST'],
    ['TELEMETRY_DATABASE_DIR', 'TELEMETRY_DATA_DIR'],
  ])('%s is named with %s', (variable, nearest) => {
    expect(strayVariables({ [variable]: '1' })).toEqual([{ variable, nearest }]);
  });

  it('are not those of others, of options, or of the client libraries', () => {
    const specification = readFileSync(new URL('../docs/specs/client.md', import.meta.url), 'utf8');
    const ofClients = [...specification.matchAll(/^\| `\w+` \| `(TELEMETRY_\w+)`/gm)];
    expect(ofClients.length).toBeGreaterThan(5);
    const variables = [
      ...ofClients.map(([, variable]) => variable as string),
      ...optionNames.map((name) => options[name].env),
      'NEXT_TELEMETRY_DISABLED',
      'PATH',
    ];
    expect(strayVariables(Object.fromEntries(variables.map((name) => [name, '1'])))).toEqual([]);
  });

  it('are warned of at the start', async () => {
    const database = await createDatabase();
    const collector = await spawnCollector({ DATABASE_URL: database.url, TELEMETRY_PROT: '1' });
    await collector.end('SIGTERM');
    await database.drop();
    const warnings = collector.logs
      .map((line) => JSON.parse(line))
      .filter(({ level }) => level === 40);
    expect(warnings).toMatchObject([
      { msg: 'TELEMETRY_PROT is no option: did you mean TELEMETRY_PORT?' },
    ]);
  });
});

describe('secrets', () => {
  const url = expectations.databaseUrl.good;

  it('are not shown with the configuration', () => {
    const shown = withoutSecrets(readConfig({ DATABASE_URL: url }, {}));
    expect(shown).toMatchObject({ databaseUrl: '(secret)', port: 8002 });
    expect(JSON.stringify(shown)).not.toContain('s3cret');
    expect(Object.keys(shown)).toEqual(optionNames);
  });

  it('that are not set are shown as such', () => {
    expect(withoutSecrets(readConfig({}, {}))).toMatchObject({ databaseUrl: '' });
  });

  it('are not shown in errors', () => {
    const wrong = () => readConfig({ DATABASE_URL: 'mysql://somebody:s3cret@db' }, {});
    expect(wrong).toThrow(expect.not.stringContaining('s3cret'));
  });
});

describe('the command line', () => {
  const main = new URL('../src/main.ts', import.meta.url).pathname;
  const run = (args: string[], env: Environment = {}) =>
    promisify(execFile)(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', main, ...args],
      {
        env: { ...process.env, ...env },
      },
    );

  it('takes every flag, logs what is in effect, and no secret', async () => {
    const database = await createDatabase();
    const pricesFile = join(temporaryDirectory().path, 'prices.json');
    writeFileSync(pricesFile, '{"prices":[]}');
    const levelFile = join(temporaryDirectory().path, 'level');
    writeFileSync(levelFile, 'debug');
    const own: Partial<Record<OptionName, string>> = {
      databaseUrl: `${database.url}&password=s3cret`,
      host: '127.0.0.1',
      apiKeys: 'app ingest s3cret-0123456789abcdef',
      apiKeysFile: '/dev/null',
      logLevelFile: levelFile,
      pricesFile,
      processes: '1',
      tlsCertFile: certificateFile('locked'),
      tlsKeyFile: keyFile('locked'),
      tlsClientCaFile: certificateFile('ca'),
    };
    const given = optionNames.map((name) => [name, own[name] ?? expectations[name].good] as const);
    const collector = await spawnCollector(
      { TELEMETRY_WRITERS: '5' },
      given.flatMap(([name, value]) => [flagName(name), value]),
    );
    await collector.end('SIGTERM');
    await database.drop();
    const starting = collector.logs.map((line) => JSON.parse(line)).find(({ config }) => config);
    const effective = given.map(([name, value]) => {
      const isText = typeof expectations[name].value === 'string';
      return [name, isText ? value : readConfig({}, { [name]: value })[name]];
    });
    expect(starting.config).toEqual({
      ...Object.fromEntries(effective),
      databaseUrl: '(secret)',
      apiKeys: '(secret)',
      tlsKeyPassword: '(secret)',
    });
    expect(collector.logs.join()).not.toContain('s3cret');
  });

  it('ends with one sentence when an option is wrong, in JSON where the logs are', async () => {
    const port = '--port: "http" is not valid: expects a whole number from 0 to 65535';
    const writers = 'TELEMETRY_WRITERS: "99" is not valid: expects a whole number from 1 to 16';
    for (const format of ['auto', 'json']) {
      const { stderr, code } = await run(['--port', 'http', '--log-format', format]).catch(
        (e) => e,
      );
      expect([code, JSON.parse(stderr)]).toMatchObject([1, { level: 60, msg: port }]);
    }
    const pretty = run(['serve', '--port', 'http'], { TELEMETRY_LOG_FORMAT: 'pretty' });
    await expect(pretty).rejects.toMatchObject({
      stderr: expect.stringMatching(/FATAL.*--port: /),
    });
    await expect(run(['sql', 'select 1'], { TELEMETRY_WRITERS: '99' })).rejects.toMatchObject({
      code: 1,
      stderr: `${writers}\n`,
    });
  });

  it('lists every option with its variable and default', async () => {
    const { stdout } = await run(['serve', '--help']);
    const help = stdout.replace(/\s+/g, ' ');
    for (const name of optionNames) {
      const { flag, env, description, default: otherwise } = options[name];
      const end =
        typeof otherwise === 'string' && otherwise !== '' ? `, default ${otherwise})` : '';
      expect(help).toContain(`${flag} ${description} (${env}${end}`);
    }
  });
});
