import type { Attributes, Tracer } from '@opentelemetry/api';
import type { Sampler } from '@opentelemetry/sdk-trace';
import type { TraceOptions } from '../config/trace-options.ts';
import { toldMessage } from '../errors.ts';
import {
  type AnsweredRequest,
  answeredRequests,
  type CommittedGroup,
  committedGroups,
} from '../observe/happenings.ts';
import type { Logger } from '../observe/logger.ts';
import { version } from '../version.ts';

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

export interface Tracing {
  /** Sends what has not been sent yet, as far as there is time. */
  stop(msMax: number): Promise<void>;
}

/** When this is called, and no sooner, in what is bundled too. */
async function load() {
  const [api, core, exporter, resources, sdk] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace'),
  ]);
  return { ...api, ...core, ...exporter, ...resources, ...sdk };
}
type OpenTelemetry = Awaited<ReturnType<typeof load>>;

/** Traces requests and commits from now on. */
export async function startTracing(options: TraceOptions, logger: Logger): Promise<Tracing> {
  const otel = await load();
  otel.diag.setLogger(diagnosticsTo(logger), otel.DiagLogLevel.WARN);
  const provider = new otel.TracerProvider({
    resource: resourceOf(otel),
    sampler: samplerOf(otel, options),
    spanProcessors: [new otel.BatchSpanProcessor({ exporter: new otel.OTLPTraceExporter() })],
  });
  const spans = new Spans(otel, provider.getTracer(name, version));
  const onRequest = (request: unknown) => spans.request(request as AnsweredRequest);
  const onCommit = (group: unknown) => spans.commit(group as CommittedGroup);
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

/** What has ended, as spans. */
class Spans {
  readonly #otel: OpenTelemetry;
  readonly #tracer: Tracer;
  readonly #propagator: InstanceType<OpenTelemetry['W3CTraceContextPropagator']>;

  constructor(otel: OpenTelemetry, tracer: Tracer) {
    this.#otel = otel;
    this.#tracer = tracer;
    this.#propagator = new otel.W3CTraceContextPropagator();
  }

  request({ route, method = '', code, headers, ms }: AnsweredRequest): void {
    if (untraced.has(route)) return;
    const { ROOT_CONTEXT, SpanKind, SpanStatusCode, defaultTextMapGetter } = this.#otel;
    const [, service, rpcMethod] = /^\/(\w+(?:\.\w+)+)\/(\w+)$/.exec(route) ?? [];
    const attributes: Attributes = {
      'http.request.method': method,
      'http.route': route,
      ...(service && { 'rpc.service': service, 'rpc.method': rpcMethod }),
      ...(code !== 'ok' && { 'error.type': code }),
    };
    const span = this.#tracer.startSpan(
      service ? `${service}/${rpcMethod}` : `${method} ${route}`,
      { kind: SpanKind.SERVER, startTime: Date.now() - ms, attributes },
      this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter),
    );
    const isFault = faults.has(code) || Number(code) >= 500;
    if (isFault) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }

  commit({ source, batches, rows, ms, error }: CommittedGroup): void {
    const { ROOT_CONTEXT, SpanKind, SpanStatusCode } = this.#otel;
    const attributes: Attributes = {
      'db.system.name': 'postgresql',
      'db.operation.name': 'COPY',
      'db.operation.batch.size': batches,
      'gravitas.telemetry.rows': rows,
      'gravitas.telemetry.source': source,
    };
    const startTime = Date.now() - ms;
    const options = { kind: SpanKind.CLIENT, startTime, attributes };
    const span = this.#tracer.startSpan('commit', options, ROOT_CONTEXT);
    if (error !== undefined) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: toldMessage(error) });
    }
    span.end();
  }
}

const resourceOf = ({
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  resourceFromAttributes,
}: OpenTelemetry) =>
  defaultResource()
    .merge(resourceFromAttributes({ 'service.name': name, 'service.version': version }))
    .merge(detectResources({ detectors: [hostDetector, envDetector] }));

function samplerOf(otel: OpenTelemetry, { sampler, ratio }: TraceOptions): Sampler {
  const roots = {
    always_on: new otel.AlwaysOnSampler(),
    always_off: new otel.AlwaysOffSampler(),
    traceidratio: new otel.TraceIdRatioBasedSampler(ratio),
  };
  const root = roots[sampler.replace('parentbased_', '') as keyof typeof roots];
  return sampler.startsWith('parentbased_') ? new otel.ParentBasedSampler({ root }) : root;
}

/** What the exporter can't do is said like everything else, and as often. */
const diagnosticsTo = (logger: Logger) => {
  const say = (text: string) => logger.warn({ reason: text }, 'traces');
  const ignore = () => {};
  return { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore };
};
