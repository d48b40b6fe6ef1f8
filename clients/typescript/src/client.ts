import { timeUs } from './clock.ts';
import { type Counters, type FlushResult, Tally } from './counters.ts';
import { loadLatency, thoughtLatency } from './latencies.ts';
import { Notices } from './notices.ts';
import { checkOptions } from './option-checks.ts';
import { type Settings, settle, type TelemetryOptions } from './options.ts';
import { shownUrl, tellsSecrets } from './plain-text.ts';
import type { Platform, Poster } from './platform.ts';
import type { QueryOptions } from './query.ts';
import { Reader } from './reader.ts';
import type { EventFields, TelemetryRecord, UsageFields } from './records.ts';
import { Sender } from './sender.ts';
import { entriesOf, shallowCopy } from './shapes.ts';
import { type Storable, storable } from './storable.ts';
import { textOf } from './texts.ts';
import { measure, Timer, type TimerFields } from './timer.ts';

const nothing: EventFields = {};
/** It leaves most of the room to each record's own. */
const resourceBytesMax = 8 * 1024;

/**
 * What an application logs through. Nothing here throws for reasons of telemetry, waits, or does
 * I/O before it returns; whether a record was taken is the result.
 */
export class Client extends Reader {
  readonly #options: TelemetryOptions;
  readonly #platform: Platform;
  readonly #tally = new Tally();
  readonly #notices: Notices;
  #settings: Settings | undefined;
  #sender: Sender | undefined;
  #poster: Poster | undefined;
  #forget: () => void = () => {};
  #isClosed = false;

  /** @internal Throws a TypeError that names the option which is wrong. */
  constructor(options: TelemetryOptions, platform: Platform) {
    super();
    this.#options = checkOptions(options, platform.checks);
    this.#platform = platform;
    this.#notices = new Notices(this.#options.logger ?? console);
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
        metadata: shallowCopy(metadata),
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
        metadata: shallowCopy(metadata),
      });
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** Logs `LOAD_LATENCY`: how long a model took to load, in seconds. */
  logLoadLatency(modelName: string, loadTimeSeconds: number, success = true): boolean {
    try {
      return this.log('LOAD_LATENCY', loadLatency(modelName, loadTimeSeconds, success));
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** Logs `THOUGHT_LATENCY`, in milliseconds per generated token. */
  logThoughtLatency(
    modelName: string,
    inferenceTimeSeconds: number,
    tokensGenerated: number,
    promptTokens = 0,
  ): boolean {
    try {
      const counts = { tokensGenerated, promptTokens };
      return this.log('THOUGHT_LATENCY', thoughtLatency(modelName, inferenceTimeSeconds, counts));
    } catch (error) {
      return this.#refuse(error);
    }
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
    this.#poster?.close();
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
    this.#notices.warn(`telemetry can't be read: ${textOf(error)}`);
  }

  protected override queryOptions(): QueryOptions {
    const settings = this.#settle();
    const { url, headers } = settings;
    this.#poster ??= this.#platform.createPoster(settings, this.#options, false);
    const { post, stream } = this.#poster;
    return { url, headers, post, stream };
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
    const notices = this.#notices;
    const sender = new Sender({
      settings,
      resource: this.#resource(settings),
      beforeSend: settings.beforeSend,
      host: platform.host(),
      transport: platform.createTransport(settings, this.#options, notices),
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
    if (this.#settings) return this.#settings;
    const { environment, fallback } = this.#platform;
    const mistakes: string[] = [];
    const warn = (mistake: string) => mistakes.push(mistake);
    this.#settings = settle(this.#options, environment(), fallback, warn);
    if (tellsSecrets(this.#settings)) {
      mistakes.push(`${shownUrl(this.#settings.url)} is sent secrets in plain text: use https`);
    }
    if (mistakes.length > 0) this.#notices.warnLater(mistakes.join('; '));
    return this.#settings;
  }

  /** Made storable once: what the application changes of it later is not in some records only. */
  #resource({ serviceName, resource }: Settings): Storable | undefined {
    if (!serviceName && !resource) return undefined;
    const service = serviceName ? { 'service.name': serviceName } : {};
    const own = { ...service, ...this.#platform.resource() };
    const given = resource ? Object.fromEntries(entriesOf(resource)) : {};
    return storable({ ...own, ...given }, resourceBytesMax);
  }

  #refuse(error: unknown): boolean {
    this.#tally.drop('invalid', 1);
    this.#notices.warnLater(`a record is dropped: ${textOf(error)}`);
    return false;
  }

  #timeoutMs(given?: number): number {
    const isTime = typeof given === 'number' && !Number.isNaN(given);
    return Math.max(isTime ? given : this.#settle().closeTimeoutS, 0) * 1000;
  }
}
