import { median } from '../../support/statistics.ts';
import type { Fate, Fates, Sizes, Speed } from './measure.ts';
import type { Missing, Peer } from './peer.ts';

export interface Measured extends Partial<Fates> {
  readonly peer: Peer;
  readonly speeds: readonly Speed[];
}

interface PeersReport {
  readonly startedAt: string;
  readonly machine: object;
  readonly sizes: Sizes;
  readonly measured: readonly Measured[];
  readonly missing: readonly Missing[];
}

const mebibyte = 1024 * 1024;
const whole = (value: number): string => Math.round(value).toLocaleString('en');
const tenth = (value: number): string => value.toFixed(1);

/** The median, and between which values. */
function spread(
  speeds: readonly Speed[],
  of: (speed: Speed) => number,
  shown: (value: number) => string,
): string {
  const values = speeds.map(of);
  if (values.length === 0) return '–';
  return `${shown(median(values))} (${shown(Math.min(...values))}–${shown(Math.max(...values))})`;
}

const fate = (what: Fate | undefined, of: (fate: Fate) => number): string =>
  what === undefined ? '–' : `${whole(of(what))} of ${whole(what.acknowledged)}`;

const row = ({ peer, speeds, killed, away, twice }: Measured): string =>
  [
    peer.name,
    spread(speeds, (speed) => speed.acceptedPerSecond, whole),
    spread(speeds, (speed) => speed.storedPerSecond, whole),
    spread(speeds, (speed) => speed.cpuUs, tenth),
    spread(speeds, (speed) => speed.postgresUs, tenth),
    spread(speeds, (speed) => speed.p99_ms, tenth),
    spread(speeds, (speed) => speed.memoryBytes / mebibyte, whole),
    fate(killed, ({ lost }) => lost),
    fate(away, ({ lost }) => lost),
    fate(twice, ({ doubled }) => doubled),
  ].join(' | ');

export function peersMarkdown(report: PeersReport): string {
  const { startedAt, machine, sizes, measured, missing } = report;
  return `# Beside peers, ${startedAt}

${Object.entries(machine)
  .map(([name, value]) => `- ${name}: ${value}`)
  .join('\n')}
- ${sizes.seconds} s flat out a round; faults at ${whole(sizes.eventsPerSecond)} events/s; away for ${sizes.awaySeconds} s

| | accepted/s | stored/s | own µs a record | PostgreSQL µs | p99 ms | MiB | lost after kill -9 | lost, away | doubled, sent twice |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${measured.map((each) => `| ${row(each)} |`).join('\n')}

| | an answer says | set |
| --- | --- | --- |
${measured.map(({ peer }) => `| ${peer.name} | ${peer.acknowledges} | ${peer.settings} |`).join('\n')}
${missing.map(({ name, reason }) => `\n- not measured: ${name}: ${reason}`).join('')}
`;
}
