import type { Collector } from '../../../../gen/typescript/gravitas/telemetry/v1/collectors_pb.js';
import type { GetFootprintResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { type Answer, useAnswer } from '../../api/answer.ts';
import { msOf } from '../../api/ask.ts';
import { query } from '../../api/client.ts';
import { useService } from '../../api/service.ts';
import { Sparkline } from '../../charts/small.tsx';
import { ago, amount, bytes, integer, milliseconds, narrow, percent } from '../../format.ts';
import { PageHead, RangeChoice, Updated, ZoneChoice } from '../../parts/page-head.tsx';
import { Tile, Tiles } from '../../parts/tile.tsx';
import { AckTime, Stored } from './charts.tsx';
import { Collectors } from './collectors.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { HealthPanel } from './health.tsx';
import { Keys } from './keys.tsx';
import { Ledger } from './ledger.tsx';
import { Partitions } from './partitions.tsx';

const footprintEveryMs = 30_000;

export function Service() {
  const service = useService();
  const footprint = useAnswer(
    'footprint',
    (signal) => query.getFootprint({}, { signal }),
    footprintEveryMs,
  );
  return (
    <>
      <PageHead title="Service">
        <Updated at={service.at} />
        <RangeChoice />
        <ZoneChoice />
      </PageHead>
      <Tiles kind="n6" label="Key figures">
        <CollectorTiles collectors={service.value?.collectors} isRefused={!!service.unanswered} />
        <StoreTiles footprint={footprint} />
      </Tiles>
      <div class="grid">
        <HealthPanel service={service} footprint={footprint.value} />
        <Stored service={service} />
        <AckTime service={service} />
        <Ledger service={service} />
        <Partitions footprint={footprint} />
        <DeadLetters footprint={footprint} />
        <Keys service={service} />
        <Collectors service={service} />
      </div>
    </>
  );
}

type Known<T> = T | null | undefined;

function CollectorTiles(props: {
  collectors: readonly Collector[] | undefined;
  isRefused: boolean;
}) {
  const { collectors = [], isRefused } = props;
  const isKnown = props.collectors !== undefined;
  const told = (text: string | null): Known<string> =>
    isKnown ? text : isRefused ? null : undefined;
  const sum = (of: (collector: Collector) => number) =>
    collectors.reduce((total, collector) => total + of(collector), 0);
  const most = (of: (collector: Collector) => number | undefined) =>
    collectors.reduce<number | undefined>((greatest, collector) => {
      const value = of(collector);
      return value === undefined ? greatest : Math.max(value, greatest ?? value);
    }, undefined);
  const own = collectors.find(({ answering }) => answering);
  const samples = own?.samples ?? [];
  const stored = sum(({ rates }) => rates?.stored ?? 0);
  const peak = Math.max(stored, ...samples.map(({ storedPerSecond }) => storedPerSecond));
  const [p50, p99] = [
    most(({ ackLatencyMs }) => ackLatencyMs?.p50),
    most(({ ackLatencyMs }) => ackLatencyMs?.p99),
  ];
  const disk = own && own.diskBytes > 0n ? own : undefined;
  const used = disk && percent(1 - Number(disk.diskFreeBytes) / Number(disk.diskBytes));
  return (
    <>
      <Tile
        label="Throughput"
        value={told(amount(stored))}
        unit="rows/s"
        drawing={
          <Sparkline values={samples.map(({ storedPerSecond }) => storedPerSecond)} isZeroBased />
        }
        note={
          <>
            <b>{amount(peak)}</b> at most in the hour
          </>
        }
      />
      <Tile
        label="Acknowledged in"
        value={told(p99 === undefined ? null : (milliseconds(p99).split(narrow)[0] as string))}
        unit={p99 === undefined ? undefined : milliseconds(p99).split(narrow)[1]}
        drawing={<Sparkline values={samples.map(({ ackP99Ms }) => ackP99Ms ?? null)} isZeroBased />}
        note={
          p50 === undefined ? (
            'nothing came lately'
          ) : (
            <>
              p99 · p50 <b>{milliseconds(p50)}</b>
            </>
          )
        }
      />
      <Tile
        label="Lag"
        value={told(milliseconds(most(({ lagMs }) => lagMs) ?? 0).split(narrow)[0] as string)}
        unit={milliseconds(most(({ lagMs }) => lagMs) ?? 0).split(narrow)[1]}
        drawing={<Sparkline values={samples.map(({ lagMs }) => lagMs)} isZeroBased />}
        note="of the oldest that waits"
      />
      <Tile
        label="Spool"
        value={told(amount(sum(({ spoolRecords }) => Number(spoolRecords))))}
        unit="records"
        drawing={
          <Sparkline values={samples.map(({ spoolRecords }) => Number(spoolRecords))} isZeroBased />
        }
        note={
          own && (
            <>
              <b>{bytes(Number(own.spoolBytes))}</b> of {bytes(Number(own.spoolBytesMax))}
            </>
          )
        }
      />
      <Tile
        label="Disk used"
        value={told(used?.split(narrow)[0] ?? null)}
        unit={used?.split(narrow)[1]}
        note={
          disk ? (
            <>
              <b>{bytes(Number(disk.diskFreeBytes))}</b> free
            </>
          ) : (
            isKnown && 'not known of this disk'
          )
        }
      />
    </>
  );
}

function StoreTiles({ footprint }: { footprint: Answer<GetFootprintResponse> }) {
  const { value, unanswered } = footprint;
  const { deadLetters } = value ?? {};
  const oldest = msOf(deadLetters?.oldestAt);
  return (
    <Tile
      label="Dead letters"
      value={unanswered ? null : value && integer(Number(deadLetters?.total ?? 0n))}
      unit="records"
      note={oldest === undefined ? value && 'none wait' : <>oldest {ago(Date.now() - oldest)}</>}
    />
  );
}
