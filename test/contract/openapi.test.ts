import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson, postJson } from '../support/http.ts';
import { pythonTool } from '../support/python-tool.ts';
import { describeRoutes, unnamedRoutes } from './describe-routes.ts';

const document = '../../docs/openapi.json';
const validator = pythonTool('openapi-spec-validator', 'openapi-spec-validator==0.9.0');

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string }[];
  readonly responses: Record<string, { readonly content: Record<string, { schema?: Schema }> }>;
}

interface Described {
  readonly paths: Readonly<Record<string, { readonly get?: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

// After a deliberate change: npx vitest run test/contract/openapi.test.ts --update
it('docs/openapi.json has the plain routes as they are', async () => {
  const { routes } = telemetry.collector;
  expect(unnamedRoutes(routes)).toEqual([]);
  const text = `${JSON.stringify(describeRoutes(routes), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(document);
});

it.runIf(validator)('docs/openapi.json is OpenAPI', () => {
  execFileSync(validator as string, [new URL(document, import.meta.url).pathname], {
    stdio: 'pipe',
  });
});

it('takes every parameter that it says', async () => {
  const described = describeRoutes(telemetry.collector.routes) as unknown as Described;
  const asked = Object.entries(described.paths).flatMap(([path, { get }]) =>
    (get?.parameters ?? []).map(({ name }) => `${path}?${name}=`),
  );
  expect(asked.length).toBeGreaterThan(50);
  const answers = asked.map(async (address) => {
    const { body } = await getJson(`${telemetry.baseUrl}${address}%20`);
    return String(body?.message).includes('is not a parameter') ? [address] : [];
  });
  expect((await Promise.all(answers)).flat()).toEqual([]);
});

it('answers have the fields that it says', async () => {
  const { baseUrl } = telemetry;
  await postJson(`${baseUrl}/v1/telemetry/log`, { event_type: 'A', metadata: { a: 1 } });
  await postJson(`${baseUrl}/v1/telemetry/usage`, { model: 'm', input_tokens: 1 });
  const described = describeRoutes(telemetry.collector.routes) as unknown as Described;
  /** Of the message, or of each record of an array. */
  const fieldsOf = ({ $ref = '', allOf = [], items, properties = {} }: Schema): string[] => {
    const { schemas } = described.components;
    const referred = schemas[$ref.slice($ref.lastIndexOf('/') + 1)];
    const parts = [...allOf, ...(items ? [items] : []), ...(referred ? [referred] : [])];
    return [...Object.keys(properties), ...parts.flatMap(fieldsOf)];
  };
  for (const [path, { get }] of Object.entries(described.paths)) {
    const schema = get?.responses[200]?.content['application/json']?.schema;
    if (!schema || path.endsWith('/explain')) continue;
    const { status, body } = await getJson(`${baseUrl}${path}`);
    expect([path, status]).toEqual([path, 200]);
    const known = fieldsOf(schema);
    const found = Object.keys(Array.isArray(body) ? body[0] : body);
    expect(found.length, path).toBeGreaterThan(0);
    expect([path, found.filter((name) => !known.includes(name))]).toEqual([path, []]);
  }
});
