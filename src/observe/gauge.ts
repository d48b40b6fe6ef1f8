import { Gauge, type Registry } from 'prom-client';

/** Adds a gauge that is read when it is asked for. */
export type AddGauge = (name: string, help: string, read: () => number | Promise<number>) => void;

export const gaugesOf =
  (registry: Registry): AddGauge =>
  (name, help, read) => {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(await read());
      },
    });
  };
