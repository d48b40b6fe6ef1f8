/**
 * What signals must not do by themselves: open a debugger to everybody on this machine, or end the
 * process. Imported before the rest, which takes a while to load.
 */
process.on('SIGUSR1', () => {});
process.on('SIGUSR2', () => {});

// A hangup ends a command that somebody waits for at a terminal, but no collector.
const [name = 'serve'] = process.argv.slice(2);
if (name === 'serve' || name.startsWith('-')) process.on('SIGHUP', () => {});

export {};
