/** A shape that an older table has had; its id and its time come beside these columns. */
export interface Generation {
  readonly name: string;
  readonly table: 'system_telemetry' | 'usage_stats';
  readonly columns: string;
  /** SQL for one row. */
  readonly values: string;
  /** What a row of ours has of it. */
  readonly adopted: Readonly<Record<string, unknown>>;
}

const event = {
  event_type: 'VRAM_CHECK',
  component: 'L1',
  value: 12.5,
  metadata: { gpu_id: 0 },
  status: 'OK',
};

export const generations: readonly Generation[] = [
  {
    name: 'with varchar(50) and varchar(100)',
    table: 'system_telemetry',
    columns:
      'event_type varchar(50) not null, component varchar(100), value float, metadata jsonb, status varchar(20)',
    values: `'VRAM_CHECK', 'L1', 12.5, '{"gpu_id": 0}', 'OK'`,
    adopted: event,
  },
  {
    name: 'with varchar(100), varchar(50) and numeric',
    table: 'system_telemetry',
    columns:
      'event_type varchar(100) not null, component varchar(50), value numeric, metadata jsonb, status varchar(20)',
    values: `'VRAM_CHECK', 'L1', 12.5, '{"gpu_id": 0}', 'OK'`,
    adopted: event,
  },
  {
    name: 'with a json column',
    table: 'system_telemetry',
    columns:
      'event_type varchar(100) not null, component varchar(50), value numeric, metadata json, status varchar(20)',
    values: `'VRAM_CHECK', 'L1', 12.5, '{"gpu_id": 0}', 'OK'`,
    adopted: event,
  },
  {
    name: 'with metadata as text',
    table: 'system_telemetry',
    columns: 'event_type text not null, component text, value float, metadata text, status text',
    values: `'VRAM_CHECK', 'L1', 12.5, '{"gpu_id": 0}', 'OK'`,
    adopted: event,
  },
  {
    name: 'of the first usage',
    table: 'usage_stats',
    columns:
      'model varchar(100), layer varchar(20), prompt_tokens integer, completion_tokens integer, duration_ms integer',
    values: `'llama', 'L2', 10, 20, 30`,
    adopted: { model: 'llama', layer: 'L2', prompt_tokens: '10', completion_tokens: '20' },
  },
  {
    name: 'of the second usage',
    table: 'usage_stats',
    columns:
      'ghost_id varchar(100), shell_id varchar(100), model_name varchar(100), tokens_input integer, tokens_output integer, cost_usd float',
    values: `'ghost', 'shell', 'llama', 10, 20, 0.1`,
    adopted: { ghost_id: 'ghost', model: 'llama', prompt_tokens: '10', cost_usd: '0.1' },
  },
];
