import { type DescField, type DescMessage, type DescMethod, ScalarType } from '@bufbuild/protobuf';
import { IngestService } from '../../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { QueryService } from '../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import {
  EventSchema,
  UsageSchema,
} from '../../gen/typescript/gravitas/telemetry/v1/telemetry_pb.js';
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

/** Answers that are bare arrays of records, of which the method says more. */
const bareArrays: Readonly<Record<string, DescMessage>> = {
  '/v1/telemetry/events': EventSchema,
  '/v1/telemetry/usage/records': UsageSchema,
};

const jsonContent = (schema: Json): Json => ({ 'application/json': { schema } });
const object = (properties: Json): Json => ({ type: 'object', properties });
const text = { type: 'string' };
const texts = { type: 'array', items: text };
const since = { type: 'object', additionalProperties: { type: 'string', format: 'date-time' } };

/** What is no method's, with what it answers. */
const operated: Readonly<Record<string, Json>> = {
  '/livez': jsonContent(object({ status: text })),
  '/readyz': jsonContent(object({ status: text, reasons: texts, since })),
  '/health': jsonContent(
    object({
      ...{ status: text, service: text, version: text, database: { type: 'boolean' } },
      ...{ queue_depth: { type: 'integer' }, reasons: texts, since },
    }),
  ),
  '/metrics': { 'text/plain': { schema: text } },
};

/** Every plain route that has no method to stand for. */
export const unnamedRoutes = (routes: readonly Route[]): string[] =>
  routes.map(({ path }) => path).filter((path) => path.startsWith('/v1/') && !(path in methods));

/** The plain names over HTTP, as OpenAPI has them: from the routes, and the contract's messages. */
export function describeRoutes(routes: readonly Route[]): Json {
  const schemas = new Map<string, Json>();
  const plain = routes.filter(({ path }) => path in methods || path in operated);
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
  const { path, scope } = route;
  const method = methods[path];
  const described = {
    operationId: method?.localName ?? path.slice(1),
    ...(scope !== 'none' && { security: [{ key: [] }], 'x-scope': scope }),
    responses: {
      200: {
        description: 'done',
        content: method ? answer(path, method, schemas) : operated[path],
      },
      ...(path === '/readyz' && { 503: { description: 'not ready', content: operated[path] } }),
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
    verbs.map((verb) => [verb, { ...described, ...request(route, verb, method, schemas) }]),
  );
}

function request(
  { path, mediaTypes = [] }: Route,
  verb: string,
  method: DescMethod | undefined,
  schemas: Map<string, Json>,
): Json {
  if (!method) return {};
  const further = (furtherParameters[path] ?? []).map(([name, schema]) => parameter(name, schema));
  if (verb === 'get') {
    const own = parametersOf(method.input).map((field) => described(field, schemas));
    return { parameters: [...own, ...further, parameter('format', { enum: formats })] };
  }
  const schema = reference(method.input, schemas);
  const records = method.input.fields.find(({ name }) => name === 'events');
  const bodies: Readonly<Record<string, Json>> = {
    // A batch, or its events alone.
    'application/json': records ? { anyOf: [schema, fieldSchema(records, schemas)] } : schema,
    'application/x-ndjson': { type: 'string', description: 'a record in JSON on each line' },
  };
  const content = Object.fromEntries(mediaTypes.map((type) => [type, { schema: bodies[type] }]));
  const parameters = further.length > 0 ? { parameters: further } : {};
  return { ...parameters, requestBody: { required: true, content } };
}

const formats = ['json', 'csv', 'ndjson'];
const limit = ['limit', { type: 'integer' }] as const;

/** What is no field of the request. */
const furtherParameters: Readonly<Record<string, readonly (readonly [string, Json])[]>> = {
  '/v1/telemetry/events': [limit],
  '/v1/telemetry/usage/records': [limit],
  '/v1/telemetry/batch': [
    ['batch_id', { type: 'string', format: 'uuid' }],
    ['restore', { type: 'boolean' }],
  ],
};

const parameter = (name: string, schema: Json): Json => ({ name, in: 'query', schema });

function described(field: DescField, schemas: Map<string, Json>): Json {
  const { name } = field;
  const schema = fieldSchema(field, schemas);
  // An object travels as JSON, a list as a parameter for each, or with commas between.
  if (schema.type === 'object') return { name, in: 'query', content: jsonContent(schema) };
  const apart = field.fieldKind === 'list' ? { explode: !separated.has(name) } : {};
  return { ...parameter(name, schema), ...apart };
}

/** Fields of these messages are parameters of their own, behind those of the request. */
const flattened = ['range', 'filter', 'usage_filter'];
/** Names that may be given in one parameter. */
const separated = new Set(['group_by', 'dimensions']);

function parametersOf({ fields }: DescMessage): DescField[] {
  const within = fields.filter(({ name }) => flattened.includes(name));
  const all = [
    ...fields.filter((field) => !within.includes(field)),
    ...within.flatMap(({ message }) => message?.fields ?? []),
  ];
  return [...new Map(all.toReversed().map((field) => [field.name, field])).values()].toReversed();
}

/** What answers have beyond the message. */
const furtherFields: Readonly<Record<string, Json>> = {
  '/v1/telemetry/usage/records': { ambiguous: { type: 'boolean' }, observed_at: text },
  '/v1/telemetry/stats': { total_tokens: { type: 'integer' } },
};

function answer(path: string, method: DescMethod, schemas: Map<string, Json>): Json {
  const record = bareArrays[path];
  const told = reference(record ?? method.output, schemas);
  const further = furtherFields[path];
  const whole = further ? { allOf: [told, object(further)] } : told;
  return {
    ...jsonContent(record ? { type: 'array', items: whole } : whole),
    ...(method.input.name.startsWith('Log') || path.endsWith('/explain')
      ? {}
      : { 'text/csv': { schema: text }, 'application/x-ndjson': { schema: text } }),
  };
}

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
