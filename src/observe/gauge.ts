import { type Aggregator, Gauge, type Registry } from 'prom-client';

/**
 * Adds a gauge that is read when it is asked for. `ofAll`: what several processes say together, their
 * sum where nothing else is said.
 */
export type AddGauge = (
  name: string,
  help: string,
  read: () => number | Promise<number>,
  ofAll?: Aggregator,
) => void;

export const gaugesOf =
  (registry: Registry): AddGauge =>
  (name, help, read, ofAll = 'sum') => {
    new Gauge({
      name,
      help,
      aggregator: ofAll,
      registers: [registry],
      async collect() {
        this.set(await read());
      },
    });
  };
