/** The value of one series of a collector, for example `name{label="x"}`; 0 where there is none. */
export async function metric(baseUrl: string, series: string): Promise<number> {
  return seriesValue(await metricsText(baseUrl), series);
}

async function metricsText(baseUrl: string): Promise<string> {
  return await (await fetch(`${baseUrl}/metrics`)).text();
}

function seriesValue(text: string, series: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line ? Number(line.slice(series.length + 1)) : 0;
}

export interface TableAccount {
  readonly received: number;
  readonly recovered: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly refused: number;
  readonly dead_lettered: number;
  readonly pending: number;
}

/** The accounts of a table, from a collector's /metrics. */
export async function accountOf(
  baseUrl: string,
  table = 'system_telemetry',
): Promise<TableAccount> {
  const text = await metricsText(baseUrl);
  const read = (name: string, outcome = '') => {
    const labels = outcome === '' ? `table="${table}"` : `table="${table}",outcome="${outcome}"`;
    return seriesValue(text, `${name}{${labels}}`);
  };
  const settled = (outcome: string) => read('telemetry_records_settled_total', outcome);
  return {
    received: read('telemetry_records_received_total'),
    recovered: read('telemetry_records_recovered_total'),
    stored: settled('stored'),
    duplicate: settled('duplicate'),
    rejected: settled('rejected'),
    refused: settled('refused'),
    dead_lettered: settled('dead_lettered'),
    pending: read('telemetry_records_pending'),
  };
}

/** What has come in less what has gone out: 0 where nothing vanishes uncounted. */
export function imbalance(account: TableAccount): number {
  const { received, recovered, stored, duplicate, rejected, refused, dead_lettered, pending } =
    account;
  return received + recovered - stored - duplicate - rejected - refused - dead_lettered - pending;
}
