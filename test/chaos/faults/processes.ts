import { comes, type Fault, lasts, untilAllListen } from '../fault.ts';

const on = (run: Fault['run']): Fault => ({ parts: ['collector'], processesMin: 2, run });
const startedMsMax = 60_000;

const ended = (signal: NodeJS.Signals): Fault =>
  on(async (world, random) => {
    await untilAllListen(world);
    const { collector, processes } = world;
    const pid = random.pick(collector.memberPids);
    process.kill(pid, signal);
    const isBack = () =>
      collector.memberPids.length === processes && !collector.memberPids.includes(pid);
    return await comes(isBack, startedMsMax);
  });

/** One of several processes, while the others go on. */
export const processFaults: Readonly<Record<string, Fault>> = {
  'process killed': ended('SIGKILL'),
  'process terminated': ended('SIGTERM'),
  'process frozen': on(async ({ collector }, random) => {
    const pid = random.pick(collector.memberPids);
    process.kill(pid, 'SIGSTOP');
    await lasts(random, 100, 1500);
    process.kill(pid, 'SIGCONT');
    return true;
  }),
  'fewer processes for a while': on(async (world, random) => {
    const fewer = random.between(1, world.processes - 1);
    await world.stopCollector(random.pick(['SIGKILL', 'SIGTERM']));
    await world.startCollector({ TELEMETRY_PROCESSES: String(fewer) });
    await lasts(random, 500, 2000);
    await world.stopCollector(random.pick(['SIGKILL', 'SIGTERM']));
    await world.startCollector();
    return true;
  }),
};
