import {
  type Attributes,
  DiagLogLevel,
  defaultTextMapGetter,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TraceOptions } from '../config/trace-options.ts';
import { errorMessage } from '../errors.ts';
import { version } from '../version.ts';
import {
  type AnsweredRequest,
  answeredRequests,
  type CommittedGroup,
  committedGroups,
} from './happenings.ts';
import type { Logger } from './logger.ts';

const name = 'gravitas-telemetry';
/** Asked every few seconds by machines: nobody wants to find anything else between them. */
const untraced = new Set(['/livez', '/readyz', '/health', '/metrics']);
/** By the conventions for servers of RPC, whose fault these are. */
const faults = new Set([
  'unknown',
  'deadline_exceeded',
  'unimplemented',
  'internal',
  'unavailable',
  'data_loss',
]);
const propagator = new W3CTraceContextPropagator();

export interface Tracing {
  /** Sends what has not been sent yet, as far as there is time. */
  stop(msMax: number): Promise<void>;
}

/** Traces requests and commits from now on. Loaded only where that is wanted. */
export function startTracing(options: TraceOptions, logger: Logger): Tracing {
  diag.setLogger(diagnosticsTo(logger), DiagLogLevel.WARN);
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': name, 'service.version': version }))
      .merge(detectResources({ detectors: [hostDetector, envDetector] })),
    sampler: samplerOf(options),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer(name, version);
  const onRequest = (request: unknown) => traceRequest(tracer, request as AnsweredRequest);
  const onCommit = (group: unknown) => traceCommit(tracer, group as CommittedGroup);
  answeredRequests.subscribe(onRequest);
  committedGroups.subscribe(onCommit);
  return {
    stop: async (msMax) => {
      answeredRequests.unsubscribe(onRequest);
      committedGroups.unsubscribe(onCommit);
      const late = new Promise<void>((resolve) => setTimeout(resolve, msMax).unref());
      await Promise.race([provider.shutdown().catch(() => {}), late]);
    },
  };
}

function traceRequest(
  tracer: Tracer,
  { route, method = '', code, headers, ms }: AnsweredRequest,
): void {
  if (untraced.has(route)) return;
  const [, service, rpcMethod] = /^\/([\w.]+)\/(\w+)$/.exec(route) ?? [];
  const isRpc = service?.includes('.') && rpcMethod !== undefined;
  const attributes: Attributes = {
    'http.request.method': method,
    'http.route': route,
    ...(isRpc && { 'rpc.service': service, 'rpc.method': rpcMethod }),
    ...(code !== 'ok' && { 'error.type': code }),
  };
  const span = tracer.startSpan(
    isRpc ? `${service}/${rpcMethod}` : `${method} ${route}`,
    { kind: SpanKind.SERVER, startTime: Date.now() - ms, attributes },
    propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter),
  );
  if (faults.has(code) || Number(code) >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function traceCommit(tracer: Tracer, { source, batches, rows, ms, error }: CommittedGroup): void {
  const span = tracer.startSpan(
    'commit',
    {
      kind: SpanKind.CLIENT,
      startTime: Date.now() - ms,
      attributes: {
        'db.system.name': 'postgresql',
        'db.operation.name': 'COPY',
        'db.operation.batch.size': batches,
        'gravitas.telemetry.rows': rows,
        'gravitas.telemetry.source': source,
      },
    },
    ROOT_CONTEXT,
  );
  if (error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(error) });
  }
  span.end();
}

function samplerOf({ sampler, ratio }: TraceOptions): Sampler {
  const roots = {
    always_on: new AlwaysOnSampler(),
    always_off: new AlwaysOffSampler(),
    traceidratio: new TraceIdRatioBasedSampler(ratio),
  };
  const root = roots[sampler.replace('parentbased_', '') as keyof typeof roots];
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

/** What the exporter can't do is said like everything else, and as often. */
const diagnosticsTo = (logger: Logger) => {
  const say = (text: string) => logger.warn({ reason: text }, 'traces');
  const ignore = () => {};
  return { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore };
};
