import { join } from 'node:path';
import type { Registry } from 'prom-client';
import { file_google_rpc_error_details } from '../gen/typescript/google/rpc/error_details_pb.js';
import { AuditService } from '../gen/typescript/gravitas/telemetry/v1/audit_pb.js';
import { DeadLetterService } from '../gen/typescript/gravitas/telemetry/v1/dead_letter_pb.js';
import { ErasureService } from '../gen/typescript/gravitas/telemetry/v1/erasure_pb.js';
import { IngestService } from '../gen/typescript/gravitas/telemetry/v1/ingest_pb.js';
import { KeyService } from '../gen/typescript/gravitas/telemetry/v1/key_pb.js';
import { QueryService } from '../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { Health as HealthService } from '../gen/typescript/grpc/health/v1/health_pb.js';
import { GrpcStreams } from './accept/grpc-streams.ts';
import { IngestHandlers } from './accept/ingest-handlers.ts';
import { ingestRoutes } from './accept/ingest-routes.ts';
import { Audit } from './admin/audit.ts';
import { auditService } from './admin/audit-handlers.ts';
import { deadLetterService } from './admin/dead-letter-handlers.ts';
import { DeadLetters } from './admin/dead-letters.ts';
import { erasureService } from './admin/erasure-handlers.ts';
import { KeyAdmin } from './admin/key-admin.ts';
import { keyService } from './admin/key-handlers.ts';
import type { Keys } from './admin/keys.ts';
import type { Config } from './config.ts';
import type { DatabaseService } from './database/database-service.ts';
import type { IngestPath } from './ingest-path.ts';
import { gaugesOf } from './observe/gauge.ts';
import type { Health } from './observe/health.ts';
import type { Logger } from './observe/logger.ts';
import { together } from './processes/counted.ts';
import type { Fellows } from './processes/fellows.ts';
import { Line } from './query/ask/line.ts';
import { Snapshots } from './query/ask/snapshot.ts';
import { queryHandlers, queryService } from './query/query-handlers.ts';
import { restQueries } from './query/rest/rest.ts';
import { tailHandler } from './query/tail/tail-handler.ts';
import { TailHub } from './query/tail/tail-hub.ts';
import { keptRows } from './retention/options.ts';
import { operatorRoutes } from './serve/endpoints.ts';
import { healthService } from './serve/health-handlers.ts';
import { reflectionService } from './serve/reflection-handlers.ts';
import type { OnRefused } from './serve/refusals.ts';
import type { Route } from './serve/route.ts';
import { Rpc } from './serve/rpc.ts';
import type { Tell } from './serve/told-error.ts';
import type { Collectors } from './status/collectors.ts';
import { version } from './version.ts';
import { pageRoutes } from './web/page-routes.ts';

/** What the routes lead to. */
export interface RoutedParts {
  readonly config: Config;
  readonly database: DatabaseService;
  readonly path: IngestPath;
  readonly health: Health;
  readonly registry: Registry;
  readonly shutdown: AbortSignal;
  readonly keys: Keys;
  readonly collectors: Collectors;
  readonly fellows: Fellows;
  readonly logger: Logger;
}

/** What the build of the dashboard leaves. */
const dashboardDirectory = join(import.meta.dirname, '../dashboard/dist');

/** What clients may call, and may ask about. */
const services = [
  IngestService,
  QueryService,
  DeadLetterService,
  KeyService,
  AuditService,
  ErasureService,
];

/** Everything that can be asked for, and who answers. */
export function createRoutes(parts: RoutedParts, tell: Tell, onRefused: OnRefused): Route[] {
  const { config, database, path, health, registry, shutdown, keys, fellows, logger } = parts;
  const rpc = new Rpc(config, tell);
  const stream = { inFlightMax: config.streamBatchesMax, shutdown, onRefused };
  const handlers = new IngestHandlers(path.ingest, stream);
  const grpcStreams = new GrpcStreams(handlers, config.messageBytesMax, tell);
  const { queryMsMax: msMax, queryConnectionsMax: places } = config;
  // As many as have a connection each: the pool gives up on who waits for one, the line does not.
  const line = new Line({ places, isPressed: () => path.buffer.isPressed });
  const snapshots = new Snapshots(database.reader, () => database.upkeepDb, { msMax, line });
  const kept = keptRows(config);
  const queries = queryHandlers(snapshots, path.prices.pricer, kept, parts.collectors.all);
  const hub = new TailHub(database.tails, config.tailsMax);
  gaugesOf(registry)('telemetry_tails', 'Open tails.', () => hub.size);
  const tail = tailHandler(database.reader, line, hub, shutdown);
  const deadLetters = new DeadLetters(database.upkeepDb, path.writer, path.books, registry);
  const audit = new Audit(database.upkeepDb, logger);
  const keyAdmin = new KeyAdmin(database.upkeepDb, audit, async () => {
    await Promise.all([keys.refresh(), fellows.ask('refresh keys')]);
  });
  const names = services.map(({ typeName }) => typeName);
  return [
    ...ingestRoutes(rpc, handlers, grpcStreams, config.messageBytesMax),
    ...restQueries(queries),
    ...rpc.routes('query', (router) => queryService(router, queries, tail, config.jsonValuesMax)),
    ...rpc.routes('admin', (router) => {
      deadLetterService(router, deadLetters, audit, config.jsonValuesMax);
      keyService(router, keyAdmin, keys.ring, config.jsonValuesMax);
      auditService(router, audit, config.jsonValuesMax);
      erasureService(router, database.upkeep, audit, config.jsonValuesMax);
    }),
    ...rpc.routes('none', (router) => {
      healthService(router, health, names, shutdown);
      reflectionService(router, [...services, HealthService], [file_google_rpc_error_details]);
    }),
    ...operatorRoutes({
      ...{ health, version, queueDepth: () => path.buffer.depth },
      metrics: async () => await together(registry, await fellows.ask('metrics')),
    }),
    ...pageRoutes(dashboardDirectory),
  ];
}
