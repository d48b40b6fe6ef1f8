import { dayMs, minuteMs } from '../../../src/units.ts';
import { getJson } from '../../support/http.ts';
import { comes, type Fault, lasts } from '../fault.ts';

const on = (run: Fault['run']): Fault => ({ parts: ['collector'], run });

export const collectorFaults: Readonly<Record<string, Fault>> = {
  'collector killed': on(async (world, random) => {
    await world.stopCollector('SIGKILL');
    await lasts(random, 0, 400);
    await world.startCollector();
    return true;
  }),
  'collector terminated': on(async (world) => {
    await world.stopCollector('SIGTERM');
    await world.startCollector();
    return true;
  }),
  'collector frozen': on(async ({ collector }, random) => {
    collector.freeze();
    await lasts(random, 100, 1500);
    collector.thaw();
    return true;
  }),
  'clock jumps': on(async ({ collector, deliveries }, random) => {
    const { acknowledged } = deliveries.answers;
    // Within what batch ids may differ: an hour ahead of the collector's clock, 14 days behind it.
    collector.setClock(random.between(-50 * minuteMs, 13 * dayMs));
    await lasts(random);
    collector.setClock(0);
    return deliveries.answers.acknowledged > acknowledged;
  }),
  'clock beyond the ledger for one start': on(async (world, random) => {
    const { collector } = world;
    const days = random.between(15, 45) * random.pick([-1, 1]);
    await world.stopCollector(random.pick(['SIGTERM', 'SIGKILL']));
    collector.setClock(days * dayMs);
    await world.startCollector();
    const isTold = async () => {
      const { reasons } = (await getJson(`${collector.baseUrl}/readyz`)).body;
      return reasons.some((reason: string) => reason.startsWith('clock:'));
    };
    const met = await comes(isTold, 3000);
    await lasts(random, 300, 1500);
    await world.stopCollector(random.pick(['SIGTERM', 'SIGKILL']));
    collector.setClock(0);
    await world.startCollector();
    return met;
  }),
};
