import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { useAnswer } from '../../api/answer.ts';
import { msOf } from '../../api/ask.ts';
import { query } from '../../api/client.ts';
import { dollars } from '../../format.ts';
import { Time } from '../../parts/event-details.tsx';
import { Answered, Blank, Panel } from '../../parts/panel.tsx';
import { param } from '../../state/address.ts';
import { moment } from '../../times.ts';
import { useCalls } from './questions.ts';

/** Why a call cost what it did: of the one that is chosen, or of the newest. */
export function Explained() {
  const chosen = param('call');
  const calls = useCalls(false, 1);
  const newest = calls.value?.records[0]?.usage;
  const id = chosen || newest?.id;
  // With it the call is found at once.
  const at = chosen ? Number(param('at')) : msOf(newest?.timestamp);
  const answer = useAnswer(id ? `explain ${id}` : undefined, (signal) =>
    query.explainUsage({ id: id as string, ...(at && { time: timestampFromMs(at) }) }, { signal }),
  );
  const { value } = answer;
  const cost = value?.costUsd === undefined ? undefined : dollars(Number(value.costUsd));
  const title = !value
    ? 'Why this price'
    : cost
      ? `Why this call cost ${cost}`
      : 'Why this call has no price';
  const calledAt = msOf(value?.timestamp);
  return (
    <Panel
      title={title}
      subtitle={
        value &&
        calledAt !== undefined &&
        `${value.model || 'no model'} · ${moment(calledAt)} · ${chosen ? 'chosen below' : 'the newest; choose another below'}`
      }
      size="c4"
    >
      {!id && !calls.unanswered ? (
        <Blank title="No call yet" height={240} />
      ) : (
        <Answered
          answer={
            id ? answer : { ...answer, ...(calls.unanswered && { unanswered: calls.unanswered }) }
          }
          height={240}
        >
          {({
            id,
            costUsd,
            costSource,
            currentCostUsd,
            currentCostSource,
            explanation,
            usageRule,
            unpricedReason,
            timestamp,
          }) => (
            <>
              <ul class="why">
                {explanation.map((sentence) => (
                  <li key={sentence}>{sentence}</li>
                ))}
              </ul>
              <dl class="dl">
                <dt>Cost</dt>
                <dd>{costUsd === undefined ? (unpricedReason ?? 'none') : `$${costUsd}`}</dd>
                <dt>From</dt>
                <dd>{costSource ?? 'nobody'}</dd>
                {currentCostUsd !== undefined && currentCostUsd !== costUsd && (
                  <>
                    <dt>Now</dt>
                    <dd>
                      ${currentCostUsd}, by {currentCostSource}
                    </dd>
                  </>
                )}
                <dt>Counted by</dt>
                <dd>{usageRule ?? 'contract'}</dd>
                <dt>Call</dt>
                <dd>
                  <code>{id}</code>
                </dd>
                <dt>Time</dt>
                <dd>
                  <Time ms={msOf(timestamp) ?? 0} />
                </dd>
              </dl>
            </>
          )}
        </Answered>
      )}
    </Panel>
  );
}
