import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { codeToHttpStatus, codeToString } from '@connectrpc/connect/protocol-connect';
import { Command, type Option } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EventSchema, UsageSchema } from '../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
import { encodeBatch } from '../src/accept/encode-batch.ts';
import { checkRows } from '../src/accept/raw-batch.ts';
import { readJsonBatch, readJsonRecord, readNdjson } from '../src/accept/read-json.ts';
import type { Rejection } from '../src/buffer/batch.ts';
import { addOthers } from '../src/commands/others.ts';
import { createProgram } from '../src/commands/program.ts';
import { type OptionName, optionNames, options, readConfig } from '../src/config.ts';
import { type ErrorKind, ServiceError } from '../src/errors.ts';
import { tokenParts } from '../src/prices/price.ts';
import { unpricedReasons } from '../src/records/cost-source.ts';
import { ruleNames } from '../src/records/dialects/rules.ts';
import { camelCase, type FieldType, isSent, recordFields } from '../src/records/fields.ts';
import { tables } from '../src/records/tables.ts';
import { refusalReasons } from '../src/serve/refusals.ts';
import { codeOf } from '../src/serve/told-error.ts';
import { faults } from './chaos/faults.ts';
import { startCollector, type TestCollector } from './support/collector.ts';
import { getJson, postJson } from './support/http.ts';

const dayMs = 86_400_000;

const read = (file: string) => readFileSync(new URL(`../docs/${file}`, import.meta.url), 'utf8');

/** The rows of the table under a heading, as the text of their cells. */
function table(file: string, heading: string): string[][] {
  const section = read(file)
    .split(/^## /m)
    .find((part) => part.startsWith(`${heading}\n`));
  if (!section) throw new Error(`${file} has no section ${heading}`);
  const [, , ...rows] = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

const code = (text: string) => `\`${text}\``;

describe('docs/configuration.md', () => {
  const expects = (name: OptionName): string => {
    for (const value of ['', ' ', 'x', 'x'.repeat(2000)]) {
      try {
        readConfig({}, { [name]: value });
      } catch (error) {
        return (error as Error).message.replace(/^.* is not valid: expects (an? )?/, '');
      }
    }
    throw new Error(`${name} takes anything`);
  };
  const shownDefault = (name: OptionName): string => {
    const { default: otherwise } = options[name];
    if (typeof otherwise === 'string') return otherwise === '' ? 'none' : code(otherwise);
    if (name === 'memoryBytesMax') return 'limit of the cgroup, or what the machine has';
    return '`~/.local/share/gravitas-telemetry`, for root `/var/lib/gravitas-telemetry`';
  };

  it('lists every option as it is, and nothing else', () => {
    expect(table('configuration.md', 'Options')).toEqual(
      optionNames.map((name) => [
        code(options[name].env),
        code(options[name].flag),
        shownDefault(name),
        expects(name),
        options[name].description,
      ]),
    );
  });

  it('names the directory that is taken', () => {
    const taken = readConfig({}, {}).dataDirectory.replace(homedir(), '~');
    expect(shownDefault('dataDirectory')).toContain(code(taken));
  });
});

const program = createProgram('0', new Command('serve').option('--json'));
addOthers(program);

describe('docs/configuration.md, of commands', () => {
  /** Beside `completion`, which prints what is the same for everybody. */
  const commandsOf = (command: Command, path: readonly string[] = []): string[] =>
    command.commands
      .filter((each) => each.name() !== 'completion')
      .flatMap((each) => {
        const names = [...path, each.name()];
        return each.options.length > 0 ? [names.join(' ')] : commandsOf(each, names);
      });

  it('each has --json', () => {
    const all = (command: Command): Command[] =>
      command.commands.length === 0 ? [command] : command.commands.flatMap(all);
    const without = all(program).filter(
      ({ options }) => !options.some(({ long }) => long === '--json'),
    );
    expect(without.map((command) => command.name())).toEqual([]);
  });

  it('names every command, and nothing else', () => {
    const [, section = ''] = read('configuration.md').split('\n## Commands\n');
    const [sentence = ''] = section.split(' take the same options');
    const named = [...sentence.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    const byApi = Object.keys(commandTables());
    expect([...named, ...byApi].toSorted()).toEqual(commandsOf(program).toSorted());
  });
});

/** The tables of docs/command-line.md, by the commands that they are of. */
function commandTables(): Record<string, string[][]> {
  const headings = [...read('command-line.md').matchAll(/^## `([^`]+)`$/gm)];
  return Object.fromEntries(
    headings.map(([, name = '']) => {
      const rows = table('command-line.md', code(name));
      return [name, rows.filter(([flag]) => flag?.startsWith('`--'))];
    }),
  );
}

describe('docs/command-line.md', () => {
  const shared = ['url', 'key', 'keyFile', 'caFile'];
  const optionsOf = (path: string) => {
    const found = path
      .split(' ')
      .reduce<Command | undefined>(
        (at, name) => at?.commands.find((command) => command.name() === name),
        program,
      );
    return found?.options ?? [];
  };
  const isShared = (option: Option) => shared.includes(option.attributeName());

  it.each(Object.keys(commandTables()))('lists every flag of %s, and nothing else', (name) => {
    const flags = optionsOf(name).filter((option) => !isShared(option));
    expect(flags.length).toBeGreaterThan(1);
    expect(
      commandTables()[name]?.map((row) => row.map((cell) => cell.replace(/`<name>`/, '<name>'))),
    ).toEqual(flags.map(({ flags, description }) => [code(flags), description]));
  });

  it('lists what all of them take', () => {
    const listed = table('command-line.md', 'What all of them take');
    const real = optionsOf('events').filter(isShared);
    expect(listed.filter(([flag]) => flag?.startsWith('`--'))).toEqual(
      real.map(({ flags, envVar, defaultValue, description }) => [
        code(flags),
        code(envVar ?? ''),
        defaultValue === undefined ? 'none' : code(String(defaultValue)),
        description,
      ]),
    );
  });
});

it('docs/limits.md has the flags and defaults that there are', () => {
  const listed = table('limits.md', 'Options').map((row) => row.slice(0, 3));
  expect(listed.length).toBeGreaterThan(10);
  const byVariable = new Map(optionNames.map((name) => [code(options[name].env), options[name]]));
  const real = listed.map(([variable = '']) => {
    const option = byVariable.get(variable);
    return [variable, code(`${option?.flag}`.replace(/ <.*/, '')), option?.default];
  });
  expect(listed).toEqual(real);
});

it('docs/reliability.md names every kind of fault, and nothing else', () => {
  const named = table('reliability.md', 'What is tortured').flatMap(([cell = '']) => {
    const [first = '', ...rest] = cell.split('; ');
    const [part] = first.split(' ');
    return [first, ...rest.map((name) => (name in faults ? name : `${part} ${name}`))];
  });
  expect(named.toSorted()).toEqual(Object.keys(faults).toSorted());
});

describe('docs/metrics.md and docs/errors.md beside a collector', () => {
  let telemetry: TestCollector;
  beforeAll(async () => {
    telemetry = await startCollector({ TELEMETRY_MESSAGE_BYTES_MAX: '1024' });
    await postJson(`${telemetry.baseUrl}/v1/telemetry/log`, { event_type: 'A' });
    // What is asked of the database once a minute comes a moment later.
    await vi.waitFor(async () => expect(await exposition()).toMatch(askedLater), 30_000);
  });
  afterAll(() => telemetry.stop());
  const exposition = async () => (await fetch(`${telemetry.baseUrl}/metrics`)).text();
  const askedLater = /^telemetry_default_partition_rows\{/m;

  it('metrics are listed with type, labels and meaning, and nothing else is', async () => {
    const text = await exposition();
    const exported = [...text.matchAll(/^# HELP (telemetry_\w+) (.*)\n# TYPE \w+ (\w+)$/gm)].map(
      ([, name = '', help = '', type = '']) => {
        const samples = text.matchAll(new RegExp(`^${name}(?:_count)?\\{(.*)\\}`, 'gm'));
        const labels = [...samples].flatMap(([, all = '']) =>
          [...all.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
        );
        return [code(name), type, [...new Set(labels)].map(code).join(', '), help];
      },
    );
    expect(exported.length).toBeGreaterThan(0);
    expect(table('metrics.md', 'Metrics').toSorted()).toEqual(exported.toSorted());
  });

  it('reasons of refusals are listed, and nothing else is', () => {
    const listed = table('metrics.md', 'Refused requests').map(([reason]) => reason);
    expect(listed).toEqual(refusalReasons.map(code));
  });

  it('other answers are what they are said to be', async () => {
    const { baseUrl } = telemetry;
    const log = `${baseUrl}/v1/telemetry/log`;
    const fetchJson = async (url: string, init: RequestInit) => {
      const response = await fetch(url, init);
      return { status: response.status, body: await response.json() };
    };
    const answers = [
      await postJson(log, '{'),
      await postJson(log, { event_type: 'A', status: 'x'.repeat(2000) }),
      await getJson(`${baseUrl}/v1/telemetry/events?limit=x`),
      await getJson(`${baseUrl}/nothing`),
      await postJson(`${baseUrl}/gravitas.telemetry.v1.IngestService/Nothing`, {}),
      await fetchJson(log, { method: 'PUT' }),
      await fetchJson(log, { method: 'POST', body: 'x' }),
      await getJson(`${baseUrl}/gravitas.telemetry.v1.QueryService/GetStats?encoding=xml`),
      await fetchJson(log, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': 'compress' },
        body: 'x',
      }),
    ];
    expect(
      table('errors.md', 'Requests that are not understood').map((row) => row.slice(1)),
    ).toEqual(answers.map(({ status, body }) => [String(status), code(body.code)]));
  });
});

describe('docs/errors.md', () => {
  const isRetried: Readonly<Record<ErrorKind, boolean>> = {
    invalid: false,
    conflict: false,
    unauthenticated: false,
    forbidden: false,
    notFound: false,
    unimplemented: false,
    deadline: false,
    tooLarge: false,
    overloaded: true,
    retryable: true,
    permanent: false,
    shuttingDown: true,
    internal: false,
  };

  it('lists every kind of error with its codes, and nothing else', () => {
    const kinds = Object.entries(isRetried).map(([kind, retried]) => {
      const grpc = codeOf(new ServiceError(kind as ErrorKind, ''));
      const name = codeToString(grpc).toUpperCase();
      const status = String(codeToHttpStatus(grpc));
      return [code(kind), `${code(name)} (${grpc})`, status, retried ? 'yes' : 'no'];
    });
    expect(table('errors.md', 'Kinds').map((row) => row.slice(0, 4))).toEqual(kinds);
  });

  it('quotes messages as they are', () => {
    const source = [
      'buffer/ingest-buffer.ts',
      'buffer/held-batch.ts',
      'errors.ts',
      'serve/call-limits.ts',
    ]
      .map((file) => readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8'))
      .join('\n');
    const meanings = table('errors.md', 'Kinds').map((row) => row[4] ?? '');
    const quoted = meanings.flatMap((meaning) => meaning.split('`').filter((_, at) => at % 2 > 0));
    const messages = quoted.filter((text) => text.includes(' '));
    expect(messages.length).toBeGreaterThan(4);
    for (const message of messages) expect(source).toContain(message);
  });

  it('lists every reason for which a record is rejected, and nothing else', () => {
    const listed = table('errors.md', 'Rejected records').map(([fields = '', reason = '']) => ({
      /** Without any where it may be any. */
      fields: fields.match(/(?<=`)[a-z0-9_.…]+(?=`)/g) ?? undefined,
      reason: pattern(reason),
      text: reason,
    }));
    const met = new Set<string>();
    for (const { field, reason } of rejections()) {
      const general = field.startsWith('metadata.') ? 'metadata.…' : field;
      const rows = listed.filter(
        (row) => row.reason.test(reason) && (row.fields ?? [general]).includes(general),
      );
      expect(rows, `${field} ${reason}`).toHaveLength(1);
      for (const { text, fields } of rows) met.add(`${fields ? general : ''} ${text}`);
    }
    const all = listed.flatMap(({ fields, text }) =>
      (fields ?? ['']).map((field) => `${field} ${text}`),
    );
    expect([...met].toSorted()).toEqual(all.toSorted());
  });

  it('lists every reason for which a whole batch is refused, and nothing else', () => {
    const old = '00000000-0000-7000-8000-000000000000';
    const future = 'ffffffff-ffff-7000-8000-000000000000';
    const rowsMax = options.batchRowsMax.schema.parse('10000');
    const refusals = [
      ...['x', old, future].map(
        (batchId) => () => encodeBatch({ batchId, events: [], usage: [] }, encodeOptions),
      ),
      () => checkRows({ events: { length: rowsMax + 1 }, usage: [] }, rowsMax),
      ...['{', '5', '{}', '{"events":{}}', '{"batch_id":5}', '{"events":[],"events":[]}'].map(
        (text) => () => readJsonBatch(Buffer.from(text), { rowsMax, mayBeEmpty: false }),
      ),
      () => readJsonRecord(Buffer.from('[]'), 'event'),
    ].map(refusal);
    const listed = table('errors.md', 'Refused batches').map(([, message = '']) => message);
    expect(listed).toHaveLength(refusals.length);
    for (const [index, message] of refusals.entries()) {
      expect(message).toMatch(pattern(listed[index] as string));
    }
  });
});

describe('docs/usage-records.md', () => {
  it('lists every field, and the column that it is stored in', () => {
    const listed = table('usage-records.md', 'Fields').map(([field, column]) => ({
      field,
      column,
    }));
    const code = (text: string) => `\`${text}\``;
    const { columns } = tables.usage;
    const expected = recordFields.usage.map((field, slot) => ({
      field: isSent(field) ? code(field.name) : '',
      column: code(columns[slot < 2 ? slot : slot + 1] as string),
    }));
    expect(listed).toEqual(expected);
  });
});

/** A text of the document: what stands for other things there is written as …. */
function pattern(text: string): RegExp {
  const parts = text.replaceAll('`', '').split('…');
  return new RegExp(
    `^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`,
    's',
  );
}

const encodeOptions = {
  eventTime: { ageMsMax: 30 * dayMs, aheadMsMax: 3_600_000 },
  batchIdTime: { ageMsMax: 14 * dayMs, aheadMsMax: 3_600_000 },
};

function refusal(refuse: () => unknown): string {
  try {
    refuse();
  } catch (error) {
    if (error instanceof ServiceError) return error.message;
  }
  throw new Error('is not refused');
}

/** One rejection, at least, for every rule and every field that it is about. */
function rejections(): readonly Rejection[] {
  const long = 'x'.repeat(257);
  const event = (init: object) => create(EventSchema, { eventType: 'A', ...init });
  const usage = (init: object) => create(UsageSchema, { model: 'm', ...init });
  const nested = (levels: number): object => (levels === 0 ? {} : { a: nested(levels - 1) });
  const events = [
    { eventType: '' },
    { eventType: long },
    { component: long },
    { status: long },
    { value: Number.NaN },
    { metadata: nested(33) },
    { metadata: { a: 'x'.repeat(70_000) } },
    { metadata: { a: Number.NaN } },
    { timestamp: timestampFromMs(0) },
    { timestamp: timestampFromMs(Date.now() + dayMs) },
    { id: 'x' },
  ].map(event);
  const ofType = (type: FieldType) =>
    recordFields.usage.filter((field) => field.type === type).map(({ name }) => camelCase(name));
  const names = ofType('text');
  const tokens = ofType('count');
  const amounts = [...ofType('amount'), ...ofType('money')];
  const records = [
    { model: '' },
    ...names.map((name) => ({ [name]: long })),
    ...tokens.flatMap((name) => [{ [name]: -1n }, { [name]: 2n ** 60n }]),
    ...amounts.flatMap((name) => [{ [name]: -1 }, { [name]: Number.NaN }]),
    { costUsd: 1, costSource: 'computed' },
  ].map(usage);
  const malformed = {
    $typeName: 'gravitas.telemetry.internal.v1.BinaryBatch',
    batchId: '',
    events: [
      Buffer.from([0xff]),
      toBinary(EventSchema, event({ metadata: { a: Array(40_000).fill(null) } })),
    ],
    usage: [],
  };
  const json = JSON.stringify({
    events: [null, { event_type: 1 }, { event_type: 'A', timestamp: 'yesterday' }],
    usage: [{ model: 'm', input_tokens: 1.5 }],
  });
  const texts = [
    '{"event_type":"A","event_type":"B"}',
    `{"unknown":"${'x'.repeat(512 * 1024)}"}`,
    '{"event_type":"A","metadata":{"a":1e-2000}}',
    `{"event_type":"A","metadata":{"a":[${Array(300).fill('1e300')}]}}`,
    '{"event_type":',
  ];
  const nanos = create(EventSchema, { eventType: 'A', timestamp: { seconds: 1n, nanos: -1 } });
  return [
    { batchId: '', events: [...events, nanos], usage: records },
    malformed,
    readJsonBatch(Buffer.from(json), { rowsMax: 100, mayBeEmpty: false }),
    readNdjson(Buffer.from(texts.join('\n')), 100),
  ].flatMap((decoded) => encodeBatch(decoded, encodeOptions).answer.rejections);
}

describe('docs/usage.md', () => {
  it('says why a record may have no cost', () => {
    const reasons = table('usage.md', 'Unpriced records').map(([reason]) => reason);
    expect(reasons).toEqual(unpricedReasons.map(code));
  });

  it('lists every rule that counts', () => {
    const listed = table('usage.md', 'Which rule counted a record').map(([rule]) => rule);
    expect(listed).toEqual(['contract', ...ruleNames].map(code));
  });

  it('lists the parts of a price', () => {
    const parts = table('usage.md', 'The arithmetic').map(([part]) => part);
    expect(parts).toEqual([...tokenParts, 'request'].map(code));
  });
});

it('numbers every decision once', () => {
  const files = readdirSync(new URL('../docs/decisions', import.meta.url)).toSorted();
  expect(files.map((file) => file.slice(0, 4))).toEqual(
    files.map((_, index) => String(index + 1).padStart(4, '0')),
  );
  for (const file of files)
    expect(read(`decisions/${file}`)).toMatch(`# ${Number(file.slice(0, 4))}. `);
});
