#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { nodePlatform } from './node/platform.ts';
import { replay } from './node/replay.ts';
import { checkOptions } from './option-checks.ts';
import { settle } from './options.ts';

const usage = `usage: gravitas-telemetry-client replay [--url URL] FILE…
Delivers files of a spool, and says what became of each batch.
Environment: TELEMETRY_URL, TELEMETRY_TOKEN, TELEMETRY_CA_FILE, TELEMETRY_CLIENT_CERT_FILE,
TELEMETRY_CLIENT_KEY_FILE`;

/** Returns the status of the process: 1 where a batch was not delivered, 2 for a wrong call. */
async function main(): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { url: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    const [command, ...files] = positionals;
    if (values.help) {
      console.log(usage);
      return 0;
    }
    if (command === 'replay' && files.length > 0) {
      const given = checkOptions({ url: values.url }, nodePlatform.checks);
      const settings = settle(given, process.env, 'none', console.error);
      return (await replay({ settings, files, print: console.log })) ? 0 : 1;
    }
  } catch (error) {
    console.error(String(error));
  }
  console.error(usage);
  return 2;
}

process.exitCode = await main();
