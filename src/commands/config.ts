import type { Command } from 'commander';
import { settings } from '../config.ts';
import { commandGroup, unreadCommand } from './command.ts';

export const configCommands = (): Command =>
  commandGroup('config', 'the options', [
    unreadCommand('show', 'what is in effect, and where each value is from', async (sources) => {
      const found = settings(sources);
      const rows = found.map(({ variable, value, origin }) => ({ variable, value, origin }));
      return { json: { settings: found }, shown: [rows] };
    }),
  ]);
