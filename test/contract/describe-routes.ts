import { type DescField, type DescMessage, type DescMethod, ScalarType } from '@bufbuild/protobuf';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import manifest from '../../package.json' with { type: 'json' };
import type { Route } from '../../src/serve/route.ts';

type Json = Readonly<Record<string, unknown>>;

const { method: ingest } = IngestService;
const { method: query } = QueryService;

/** The method of the contract that each plain name stands for; those without are the operators'. */
const methods: Readonly<Record<string, DescMethod>> = {
  '/v1/telemetry/log': ingest.log,
  '/v1/telemetry/usage': ingest.logUsage,
  '/v1/telemetry/batch': ingest.logBatch,
  '/v1/telemetry/events': query.listEvents,
  '/v1/telemetry/usage/records': query.listUsage,
  '/v1/telemetry/stats': query.getStats,
  '/v1/telemetry/timeseries': query.getTimeSeries,
  '/v1/telemetry/usage/summary': query.getUsageSummary,
  '/v1/telemetry/usage/explain': query.explainUsage,
  '/v1/telemetry/dimensions': query.listDimensions,
  '/v1/telemetry/trends': query.getTrends,
  '/v1/telemetry/footprint': query.getFootprint,
  '/v1/telemetry/service': query.getService,
};

/** Bare arrays, where the method has them in a field of that name. */
const bareArrays: Readonly<Record<string, string>> = {
  '/v1/telemetry/events': 'events',
  '/v1/telemetry/usage/records': 'usage',
};

const operated = /^\/(health|livez|readyz|metrics)$/;

/** Every plain route that has no method to stand for. */
export const unnamedRoutes = (routes: readonly Route[]): string[] =>
  routes.map(({ path }) => path).filter((path) => path.startsWith('/v1/') && !(path in methods));

/** The plain names over HTTP, as OpenAPI has them: from the routes, and the contract's messages. */
export function describeRoutes(routes: readonly Route[]): Json {
  const schemas = new Map<string, Json>();
  const plain = routes.filter(({ path }) => path in methods || operated.test(path));
  const paths = plain
    .toSorted((a, b) => a.path.localeCompare(b.path))
    .map((route) => [route.path, operations(route, schemas)]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'gravitas-telemetry',
      version: manifest.version,
      license: { name: manifest.license, identifier: manifest.license },
    },
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Error: object({ code: { type: 'string' }, message: { type: 'string' }, details: {} }),
        ...Object.fromEntries([...schemas].toSorted(([a], [b]) => a.localeCompare(b))),
      },
    },
  };
}

function operations(route: Route, schemas: Map<string, Json>): Json {
  const { path, scope, mediaTypes = [] } = route;
  const method = methods[path];
  const described = {
    operationId: method?.localName ?? path.slice(1),
    ...(scope !== 'none' && { security: [{ key: [] }], 'x-scope': scope }),
    responses: {
      200: { description: 'done', ...(method && { content: answer(path, method, schemas) }) },
      ...(method && {
        default: {
          description: 'see docs/errors.md',
          content: jsonContent({ $ref: '#/components/schemas/Error' }),
        },
      }),
    },
  };
  const verbs = route.methods.map((name) => name.toLowerCase());
  return Object.fromEntries(
    verbs.map((verb) => [verb, { ...described, ...request(verb, method, mediaTypes, schemas) }]),
  );
}

function request(
  verb: string,
  method: DescMethod | undefined,
  mediaTypes: readonly string[],
  schemas: Map<string, Json>,
): Json {
  if (!method) return {};
  if (verb === 'get') {
    const parameters = method.input.fields.map((field) => ({
      name: field.name,
      in: 'query',
      schema: fieldSchema(field, schemas),
    }));
    return { parameters };
  }
  const schema = reference(method.input, schemas);
  const content = Object.fromEntries(mediaTypes.map((type) => [type, { schema }]));
  return { requestBody: { required: true, content } };
}

function answer(path: string, method: DescMethod, schemas: Map<string, Json>): Json {
  const field = method.output.fields.find(({ name }) => name === bareArrays[path]);
  return jsonContent(field ? fieldSchema(field, schemas) : reference(method.output, schemas));
}

const jsonContent = (schema: Json): Json => ({ 'application/json': { schema } });
const object = (properties: Json): Json => ({ type: 'object', properties });

/** How JSON has the types that protobuf itself knows. */
const wellKnown: Readonly<Record<string, Json>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': { type: 'string' },
  'google.protobuf.Struct': { type: 'object' },
  'google.protobuf.Value': {},
};

function reference(message: DescMessage, schemas: Map<string, Json>): Json {
  const known = wellKnown[message.typeName];
  if (known) return known;
  const { name } = message;
  if (!schemas.has(name)) {
    // Before its fields: one of them may be of this type again.
    schemas.set(name, {});
    const fields = message.fields.map((field) => [field.name, fieldSchema(field, schemas)]);
    schemas.set(name, object(Object.fromEntries(fields)));
  }
  return { $ref: `#/components/schemas/${name}` };
}

function fieldSchema(field: DescField, schemas: Map<string, Json>): Json {
  switch (field.fieldKind) {
    case 'scalar':
      return scalar(field.scalar);
    case 'enum':
      return { type: 'string', enum: field.enum.values.map(({ name }) => name) };
    case 'message':
      return reference(field.message, schemas);
    case 'list':
      return { type: 'array', items: elementSchema(field, schemas) };
    case 'map':
      return { type: 'object', additionalProperties: elementSchema(field, schemas) };
  }
}

function elementSchema(
  field: DescField & { fieldKind: 'list' | 'map' },
  schemas: Map<string, Json>,
): Json {
  const kind = field.fieldKind === 'list' ? field.listKind : field.mapKind;
  if (kind === 'message' && field.message) return reference(field.message, schemas);
  if (kind === 'enum' && field.enum) {
    return { type: 'string', enum: field.enum.values.map(({ name }) => name) };
  }
  return scalar(field.scalar as ScalarType);
}

/** Whole numbers of 64 bits are numbers in the answers of the plain names, and taken as strings too. */
function scalar(type: ScalarType): Json {
  switch (type) {
    case ScalarType.STRING:
      return { type: 'string' };
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: 'number' };
    default:
      return { type: 'integer' };
  }
}
