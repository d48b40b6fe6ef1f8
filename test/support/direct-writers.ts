import pg from 'pg';

export interface DirectWriters {
  readonly inserted: number;
  readonly errors: readonly Error[];
  /** Resolves when so many rows more are there. */
  untilInserted(more: number): Promise<void>;
  stop(): Promise<void>;
}

/** Older services that insert by themselves, each on a connection of its own, by a prepared statement. */
export async function startDirectWriters(url: string, count = 4): Promise<DirectWriters> {
  const errors: Error[] = [];
  let inserted = 0;
  let stopped = false;
  let onInserted = () => {};
  const write = async (client: pg.Client) => {
    while (!stopped) {
      try {
        await client.query({
          name: 'log',
          text: `insert into system_telemetry (event_type, component, value, metadata, status)
            values ($1, $2, $3, $4, $5)`,
          values: ['DIRECT', 'older service', 1, '{"n": 1}', 'OK'],
        });
        inserted++;
        onInserted();
      } catch (error) {
        errors.push(error as Error);
      }
    }
    await client.end();
  };
  const clients = Array.from({ length: count }, () => new pg.Client({ connectionString: url }));
  await Promise.all(clients.map((client) => client.connect()));
  const writing = clients.map(write);
  return {
    get inserted() {
      return inserted;
    },
    errors,
    untilInserted: (more) =>
      new Promise((resolve) => {
        const goal = inserted + more;
        onInserted = () => {
          if (inserted >= goal) resolve();
        };
      }),
    stop: async () => {
      stopped = true;
      await Promise.all(writing);
    },
  };
}
