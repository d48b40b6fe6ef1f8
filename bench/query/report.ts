export const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

/** Of times in order. */
export const at = (times: readonly number[], share: number): string =>
  (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(1);

interface Warm {
  /** Milliseconds in order, after one that warms up. */
  readonly times: readonly number[];
  /** Of the processor, each time: a busy machine changes it less. */
  readonly cpuMs: number;
  /** What has answered. */
  readonly by: string;
}

/** `cpuSeconds`: so far. */
export async function warmTimes(
  address: string,
  rounds: number,
  cpuSeconds: () => number,
): Promise<Warm> {
  const times: number[] = [];
  let by = '';
  let beganS = 0;
  for (let round = 0; round <= rounds; round++) {
    const begun = performance.now();
    const response = await fetch(address);
    const body = (await response.json()) as { source?: { kind?: string }; message?: string };
    if (response.status !== 200) throw new Error(`${address}: ${body.message}`);
    if (round > 0) times.push(performance.now() - begun);
    else beganS = cpuSeconds();
    by = body.source?.kind?.replace('KIND_', '').toLowerCase().replaceAll('_', ' ') ?? 'rows';
  }
  const cpuMs = ((cpuSeconds() - beganS) * 1000) / rounds;
  return { times: times.sort((a, b) => a - b), cpuMs, by };
}
