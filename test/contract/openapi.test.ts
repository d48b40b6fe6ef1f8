import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCollector, type TestCollector } from '../support/collector.ts';
import { getJson } from '../support/http.ts';
import { describeRoutes, unnamedRoutes } from './describe-routes.ts';

let telemetry: TestCollector;
beforeAll(async () => {
  telemetry = await startCollector();
});
afterAll(() => telemetry.stop());

// After a deliberate change: npx vitest run test/contract/openapi.test.ts --update
it('docs/openapi.json has the plain routes as they are', async () => {
  const { routes } = telemetry.collector;
  expect(unnamedRoutes(routes)).toEqual([]);
  const text = `${JSON.stringify(describeRoutes(routes), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../docs/openapi.json');
});

it('answers have the fields that it says', async () => {
  const described = describeRoutes(telemetry.collector.routes) as unknown as {
    components: { schemas: Record<string, { properties: Record<string, unknown> }> };
  };
  const { body } = await getJson(`${telemetry.baseUrl}/v1/telemetry/footprint`);
  const known = Object.keys(described.components.schemas.GetFootprintResponse?.properties ?? {});
  expect(known.length).toBeGreaterThan(2);
  expect(Object.keys(body).filter((name) => !known.includes(name))).toEqual([]);
});
