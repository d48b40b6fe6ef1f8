export const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

/** Of times in order. */
export const at = (times: readonly number[], share: number): string =>
  (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(1);

/** Milliseconds in order, after one that warms up; and what has answered. */
export async function warmTimes(
  address: string,
  rounds: number,
): Promise<{ times: number[]; by: string }> {
  const times: number[] = [];
  let by = '';
  for (let round = 0; round <= rounds; round++) {
    const begun = performance.now();
    const response = await fetch(address);
    const body = (await response.json()) as { source?: { kind?: string }; message?: string };
    if (response.status !== 200) throw new Error(`${address}: ${body.message}`);
    if (round > 0) times.push(performance.now() - begun);
    by = body.source?.kind?.replace('KIND_', '').toLowerCase().replaceAll('_', ' ') ?? 'rows';
  }
  return { times: times.sort((a, b) => a - b), by };
}
