/**
 * A deadline further away than ours counts as none: one that is further away than a timer can be
 * set would be taken for one that has passed.
 */
export function dropFarDeadline(header: Headers, msMax: number): void {
  const unitsMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1 };
  const [, count, unit = ''] = /^(\d{1,8})([HMSm])$/.exec(header.get('grpc-timeout') ?? '') ?? [];
  if (Number(count) * (unitsMs[unit] ?? 0) > msMax) header.delete('grpc-timeout');
  const connectMs = /^\d{1,10}$/.exec(header.get('connect-timeout-ms') ?? '')?.[0];
  if (Number(connectMs) > msMax) header.delete('connect-timeout-ms');
}
