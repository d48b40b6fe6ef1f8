/** How the same events are put to each peer. A number is in each of them, by which it is found again. */
export type BodyKind = 'ours' | 'json' | 'lines' | 'otlp';

export interface PeerBody {
  readonly path: string;
  readonly type: string;
  /** Of the events with these numbers; `id`: of the post, where there are ids. */
  readonly text: (numbers: readonly number[], id: string) => string;
}

const eventType = 'THOUGHT_LATENCY';
const component = 'model-7b';

const metadata = (number: number) => ({
  model: component,
  inference_time_ms: 812.5,
  tokens_generated: 64 + (number % 100),
  prompt_tokens: 128,
});

const event = (number: number) => ({
  event_type: eventType,
  component,
  value: number,
  metadata: metadata(number),
  status: 'OK',
});

const json = 'application/json';

const oursSingle: PeerBody = {
  path: '/v1/telemetry/log',
  type: json,
  text: ([number = 0], id) => JSON.stringify({ ...event(number), idempotency_key: id }),
};

const oursBatch: PeerBody = {
  path: '/v1/telemetry/batch',
  type: json,
  text: (numbers, id) => JSON.stringify({ batch_id: id, events: numbers.map(event) }),
};

/** Metadata are fields, as their own agents send them. */
const flat: PeerBody = {
  path: '/telemetry',
  type: json,
  text: (numbers) => {
    const fields = numbers.map((number) => {
      const { metadata: further, ...own } = event(number);
      return { ...own, ...further };
    });
    return JSON.stringify(fields.length === 1 ? fields[0] : fields);
  },
};

const lines: PeerBody = {
  path: '/telemetry',
  type: 'text/plain',
  text: (numbers) =>
    numbers
      .map(
        (number) =>
          `telemetry,event_type=${eventType},component=${component},model=${component} ` +
          `value=${number},status="OK",inference_time_ms=812.5,` +
          `tokens_generated=${64 + (number % 100)},prompt_tokens=128`,
      )
      .join('\n'),
};

const attribute = (key: string, value: object) => ({ key, value });

const otlp: PeerBody = {
  path: '/v1/logs',
  type: json,
  text: (numbers) => {
    const timeUnixNano = `${Date.now()}000000`;
    const logRecords = numbers.map((number) => ({
      timeUnixNano,
      body: { intValue: String(number) },
      attributes: [
        attribute('event_type', { stringValue: eventType }),
        attribute('component', { stringValue: component }),
        attribute('status', { stringValue: 'OK' }),
        attribute('inference_time_ms', { doubleValue: 812.5 }),
        attribute('tokens_generated', { intValue: String(64 + (number % 100)) }),
        attribute('prompt_tokens', { intValue: '128' }),
      ],
    }));
    return JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
  },
};

/** One event a post, or several. */
export function peerBody(kind: BodyKind, isSingle: boolean): PeerBody {
  if (kind === 'ours') return isSingle ? oursSingle : oursBatch;
  return { json: flat, lines, otlp }[kind];
}
