import { timeUs } from './clock.ts';
import { type Counters, type FlushResult, Tally } from './counters.ts';
import { Notices } from './notices.ts';
import { type Settings, settle, type TelemetryOptions } from './options.ts';
import type { Platform } from './platform.ts';
import type { QueryOptions } from './query.ts';
import { Reader } from './reader.ts';
import type { EventFields, TelemetryRecord, UsageFields } from './records.ts';
import { Sender } from './sender.ts';
import { measure, Timer, type TimerFields } from './timer.ts';

const nothing: EventFields = {};

/** What is no object goes on as it is, to be refused where it is encoded. */
const copyOf = <T>(metadata: T): T =>
  typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)
    ? { ...metadata }
    : metadata;

/**
 * What an application logs through. Nothing here throws for reasons of telemetry, waits, or does
 * I/O before it returns; whether a record was taken is the result.
 */
export class Client extends Reader {
  readonly #options: TelemetryOptions;
  readonly #platform: Platform;
  readonly #tally = new Tally();
  #settings: Settings | undefined;
  #notices: Notices | undefined;
  #sender: Sender | undefined;
  #queries: QueryOptions | undefined;
  #forget: () => void = () => {};
  #isClosed = false;

  /** @internal */
  constructor(options: TelemetryOptions, platform: Platform) {
    super();
    this.#options = options;
    this.#platform = platform;
  }

  /**
   * Logs an event, for example
   * `telemetry.log('VRAM_CHECK', { component: 'L1', value: freeVram, status: 'OK' })`.
   * False when the queue is full, the client is closed, or telemetry is disabled.
   */
  log(eventType: string, fields: EventFields = nothing): boolean {
    try {
      const { component, value, metadata, status, timestamp } = fields;
      return this.#append({
        kind: 'event',
        timeUs: timeUs(timestamp),
        eventType,
        component,
        value,
        metadata: copyOf(metadata),
        status,
      });
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** Logs the token usage of one call of a language model. */
  logUsage(
    model: string,
    layer: string,
    promptTokens: number,
    completionTokens: number,
    durationMs?: number,
    more: UsageFields = {},
  ): boolean {
    try {
      const { metadata, timestamp, ...rest } = more;
      return this.#append({
        kind: 'usage',
        timeUs: timeUs(timestamp),
        model,
        layer,
        promptTokens,
        completionTokens,
        durationMs,
        more: rest,
        metadata: copyOf(metadata),
      });
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** Logs `LOAD_LATENCY`: how long a model took to load, in seconds. */
  logLoadLatency(modelName: string, loadTimeSeconds: number, success = true): boolean {
    return this.log('LOAD_LATENCY', {
      component: modelName,
      value: loadTimeSeconds,
      metadata: { model: modelName, load_time_ms: loadTimeSeconds * 1000 },
      status: success ? 'OK' : 'ERROR',
    });
  }

  /** Logs `THOUGHT_LATENCY`, in milliseconds per generated token. */
  logThoughtLatency(
    modelName: string,
    inferenceTimeSeconds: number,
    tokensGenerated: number,
    promptTokens = 0,
  ): boolean {
    const inferenceTimeMs = inferenceTimeSeconds * 1000;
    const perTokenMs = tokensGenerated > 0 ? inferenceTimeMs / tokensGenerated : null;
    return this.log('THOUGHT_LATENCY', {
      component: modelName,
      value: perTokenMs,
      metadata: {
        model: modelName,
        inference_time_ms: inferenceTimeMs,
        tokens_generated: tokensGenerated,
        prompt_tokens: promptTokens,
        total_tokens: promptTokens + tokensGenerated,
        latency_per_token_ms: perTokenMs,
      },
      status: 'OK',
    });
  }

  /** A moment to give to `measureLatency`. */
  startTimer(): number {
    return performance.now() / 1000;
  }

  /** Seconds since `startTimer`. */
  measureLatency(start: number): number {
    return performance.now() / 1000 - start;
  }

  /**
   * Measures a stretch of code and logs it in milliseconds:
   * `using timer = telemetry.timer('RENDER', { component: 'page' })`, or with `timer.stop()`; or a
   * function, whose result it gives. The status is `OK`, or `ERROR` where the function throws, with
   * the error's name in metadata.
   */
  timer(eventType: string, fields?: TimerFields): Timer;
  timer<T>(eventType: string, fields: TimerFields, measured: () => T): T;
  timer<T>(eventType: string, fields: TimerFields = {}, measured?: () => T): Timer | T {
    const timer = new Timer(fields, (measurement) => this.log(eventType, measurement));
    return measured ? measure(timer, measured) : timer;
  }

  /**
   * Waits until all that was logged before is delivered or in the fallback, and says which.
   * @param timeoutS - how long to wait, in seconds; `closeTimeoutS` by default
   */
  async flush(timeoutS?: number): Promise<FlushResult> {
    return this.#sender?.flush(this.#timeoutMs(timeoutS)) ?? this.#tally.watch()(true);
  }

  /** Like `flush`, and nothing is taken any more. What is not delivered in time is spooled. */
  async close(timeoutS?: number): Promise<FlushResult> {
    this.#isClosed = true;
    const result = await (this.#sender?.close(this.#timeoutMs(timeoutS)) ?? this.flush());
    this.#forget();
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What became of the records so far. */
  counters(): Counters {
    return this.#tally.counters();
  }

  protected override unread(error: unknown): void {
    this.#notify().warn(`telemetry can't be read: ${error}`);
  }

  protected override queryOptions(): QueryOptions {
    const { url, headers } = this.#settle();
    this.#queries ??= { url, headers, post: this.#platform.createPost() };
    return this.#queries;
  }

  #append(record: TelemetryRecord): boolean {
    if (this.#isClosed) return false;
    const sender = this.#sender ?? this.#start();
    return sender?.append(record) ?? false;
  }

  #start(): Sender | undefined {
    const settings = this.#settle();
    if (!settings.enabled) return undefined;
    const platform = this.#platform;
    const tally = this.#tally;
    const notices = this.#notify();
    const sender = new Sender({
      settings,
      resource: this.#resource(settings),
      host: platform.host(),
      transport: platform.createTransport(settings),
      fallback: platform.createFallback(settings, tally, notices),
      tally,
      notices,
      breathe: platform.breathe,
    });
    this.#forget = platform.beforeEnd(sender, settings);
    this.#sender = sender;
    return sender;
  }

  #settle(): Settings {
    const { environment, fallback } = this.#platform;
    this.#settings ??= settle(this.#options, environment(), fallback);
    return this.#settings;
  }

  #resource({ serviceName, resource }: Settings) {
    if (!serviceName && !resource) return undefined;
    const service = serviceName ? { 'service.name': serviceName } : {};
    return { ...service, ...this.#platform.resource(), ...resource };
  }

  /** A getter in the caller's own object threw, say. */
  #refuse(error: unknown): boolean {
    this.#tally.drop('invalid', 1);
    this.#notify().warn(`a record is dropped: ${error}`);
    return false;
  }

  #notify(): Notices {
    this.#notices ??= new Notices(this.#settle().logger);
    return this.#notices;
  }

  #timeoutMs(timeoutS = this.#settle().closeTimeoutS): number {
    return timeoutS * 1000;
  }
}
