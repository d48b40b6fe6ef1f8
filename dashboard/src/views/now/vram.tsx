import type { ListEventsResponse } from '../../../../gen/typescript/gravitas/telemetry/v1/query_pb.js';
import { type Answer, useAnswer } from '../../api/answer.ts';
import { rangeKey, rangeOf, refreshMsOf } from '../../api/ask.ts';
import { query } from '../../api/client.ts';
import { metadataOf, numberIn, textOf, timeOf } from '../../api/events.ts';
import { colourFor, namedMax } from '../../charts/categories.ts';
import { ChartPanel } from '../../charts/chart-panel.tsx';
import { timeModel, valuesOf } from '../../charts/over-time.ts';
import { Meter } from '../../charts/small.tsx';
import { fixed, narrow, percent } from '../../format.ts';
import { LastOne } from '../../parts/last-one.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { Status } from '../../parts/status.tsx';
import { rangeAt, rangeWords } from '../../state/range.ts';
import { moment } from '../../times.ts';

/** Where it gets tight. */
export const tightShare = 0.9;

/** A card as its newest check has it. */
export interface Card {
  /** Of its component and number. */
  readonly key: string;
  readonly name: string;
  readonly component: string;
  readonly usedGb: number;
  readonly limitGb: number;
  readonly share: number;
  readonly at: number;
}

const eventTypes = ['VRAM_CHECK'];

/** Newest checks of every card: the fullest card first. */
export const useCards = (): Answer<readonly Card[]> =>
  useAnswer(
    `cards ${rangeKey()}`,
    async (signal) => {
      const range = rangeOf(rangeAt(Date.now()));
      return cardsOf(
        await query.listEvents({ filter: { eventTypes }, range, pageSize: 200 }, { signal }),
      );
    },
    refreshMsOf(),
  );

function cardsOf({ events }: ListEventsResponse): Card[] {
  const cards = new Map<string, Card>();
  for (const event of events) {
    const metadata = metadataOf(event);
    const limitGb = numberIn(metadata, 'total_vram_gb');
    const usedGb =
      numberIn(metadata, 'used_vram_gb') ??
      (limitGb !== undefined && event.value !== undefined ? limitGb - event.value : undefined);
    if (!limitGb || usedGb === undefined) continue;
    const number = metadata.gpu_id === undefined ? '' : textOf(metadata.gpu_id);
    const key = cardKey(event.component, number);
    if (cards.has(key)) continue;
    const name = number === '' ? 'GPU' : `GPU ${number}`;
    const share = usedGb / limitGb;
    cards.set(key, {
      key,
      name,
      component: event.component,
      usedGb,
      limitGb,
      share,
      at: timeOf(event),
    });
  }
  return [...cards.values()].toSorted((a, b) => b.share - a.share);
}

const cardKey = (component: string | undefined, number: string | undefined) =>
  `${component ?? ''} ${number ?? ''}`;

export function VramNow({ cards }: { cards: Answer<readonly Card[]> }) {
  return (
    <Panel title="VRAM used" subtitle="now, of each card's limit; the notch is 90 %" size="c4 w3">
      <Answered answer={cards} height={200}>
        {(all) =>
          all.length === 0 ? (
            <Blank title={`No VRAM_CHECK with a limit ${rangeWords()}`} height={200}>
              <span>It takes total_vram_gb in the metadata.</span>
              <LastOne type="VRAM_CHECK" />
            </Blank>
          ) : (
            <>
              <ul class="gpu">
                {all.slice(0, namedMax).map((card) => (
                  <CardMeter key={card.key} card={card} />
                ))}
              </ul>
              {all.length > namedMax && (
                <p class="panel-foot">{all.length - namedMax} more are less full.</p>
              )}
            </>
          )
        }
      </Answered>
    </Panel>
  );
}

const gigabytes = fixed(1);

const CardMeter = ({ card }: { card: Card }) => (
  <li>
    <div class="head">
      <span>{card.name}</span>
      <b class="use">
        {gigabytes(card.usedGb)}{' '}
        <span class="u">
          of {gigabytes(card.limitGb)}
          {narrow}GB
        </span>
      </b>
    </div>
    <Meter share={card.share} notch={tightShare} />
    <div class="who">
      <span>
        {card.component || 'no component'} · {moment(card.at)}
      </span>
      {card.share > tightShare ? (
        <Status tone="warn">
          {percent(card.share)} · over {percent(tightShare)}
        </Status>
      ) : (
        <span>{percent(card.share)}</span>
      )}
    </div>
  </li>
);

export function VramOverTime({ cards }: { cards: Answer<readonly Card[]> }) {
  const series = useAnswer(
    `vram ${rangeKey()}`,
    (signal) =>
      query.getTimeSeries(
        {
          range: rangeOf(rangeAt(Date.now())),
          filter: { eventTypes },
          groupBy: ['component', 'metadata.gpu_id'],
          value: 'metadata.used_vram_gb',
        },
        { signal },
      ),
    refreshMsOf(),
  );
  const fullest = (cards.value ?? []).slice(0, namedMax);
  return (
    <ChartPanel
      title="VRAM used over time"
      subtitle="% of each card's limit"
      size="c8 w3"
      answer={series}
      also={cards.value}
      emptyTitle={`No VRAM_CHECK ${rangeWords()}`}
      empty={<span>used_vram_gb in the metadata is what is drawn.</span>}
      modelOf={({ series: all }) =>
        timeModel({
          parts: all[0]?.points ?? [],
          series: fullest.flatMap(({ key, name, component, limitGb }) => {
            const found = all.find(
              ({ group }) => cardKey(group.component, group['metadata.gpu_id']) === key,
            );
            if (!found) return [];
            const isOnlyOne = fullest.filter((other) => other.name === name).length === 1;
            const values = valuesOf(found, ({ mean }) => mean && (100 * mean) / limitGb);
            return [
              {
                name: isOnlyOne ? name : `${component} ${name}`,
                colour: colourFor('card', key),
                values,
              },
            ];
          }),
          unit: '%',
          max: 100,
          bridged: 4,
          show: (value) => percent(value / 100),
          marks: [{ at: 100 * tightShare, label: percent(tightShare) }],
        })
      }
    />
  );
}
