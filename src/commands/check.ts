import type { Command } from 'commander';
import { checkMemory } from '../config/memory.ts';
import { traceProblems } from '../config/trace-options.ts';
import {
  configProblems,
  currentLogLevel,
  readConfig,
  type Sources,
  strayVariables,
} from '../config.ts';
import type { Logger } from '../observe/logger.ts';
import { checkDatabase } from './check-database.ts';
import {
  checkAddress,
  checkCertificate,
  checkDisk,
  checkKeys,
  checkPrices,
} from './check-machine.ts';
import { unreadCommand } from './command.ts';
import { type Finding, finding } from './finding.ts';
import type { Report } from './report.ts';

async function findings(sources: Sources, logger: Logger): Promise<Finding[]> {
  const stray = strayVariables(sources.env).map(
    ({ variable, nearest }): Finding => ({
      subject: 'configuration',
      state: 'warning',
      detail: `${variable} is no option: did you mean ${nearest}?`,
    }),
  );
  const problems = [...configProblems(sources), ...traceProblems(sources.env)].map(
    (detail): Finding => ({ subject: 'configuration', state: 'failed', detail }),
  );
  // The rest would look at what nobody meant.
  if (problems.length > 0) return [...stray, ...problems];
  const config = readConfig(sources.env, sources.flags);
  return [
    ...stray,
    await finding('configuration', () => {
      currentLogLevel(config);
      return 'every option is valid';
    }),
    await finding('memory', () => checkMemory(config)),
    await finding('disk', () => checkDisk(config)),
    ...(await checkAddress(config)),
    await finding('certificate', () => checkCertificate(config)),
    await finding('prices', () => checkPrices(config)),
    ...(await checkDatabase(config, logger, (hasKeys) => checkKeys(config, hasKeys))),
  ];
}

async function check(sources: Sources, logger: Logger): Promise<Report> {
  logger.level = 'silent';
  const found = await findings(sources, logger);
  const failed = found.some(({ state }) => state === 'failed');
  const verdict = failed ? 'it would not work like this' : 'it can be started';
  return { json: { ok: !failed, findings: found }, shown: [found, verdict], failed };
}

export const checkCommand = (): Command =>
  unreadCommand('check', 'what is wrong, before the first start', check);
