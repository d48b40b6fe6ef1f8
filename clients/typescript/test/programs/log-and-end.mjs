// Logs COUNT events and ends in the way that END says.
import { telemetry } from 'gravitas-telemetry-client';

const { COMPONENT, COUNT, END } = process.env;
const last = Number(COUNT) - 1;
const log = (value) => telemetry.log('LIFE', { component: COMPONENT, value });
for (let value = 0; value < last; value += 1) log(value);
// A hook of the application's own, which comes after the client's.
if (END === 'exit-hook') process.on('exit', () => log(last));
else log(last);
switch (END) {
  case 'exit':
    process.exit(3);
    break;
  case 'exit-later':
    // Some are under way then.
    setTimeout(() => process.exit(3), 300);
    break;
  case 'reject':
    Promise.reject('as told');
    break;
  case 'signal':
    setInterval(() => {}, 1000);
    console.log('logged');
    break;
  case 'two-copies': {
    const other = await import('../../dist/node/end.js?other');
    other.beforeEnd({ close: async () => {}, abandonAtExit: () => {} }, { closeTimeoutS: 1 });
    setInterval(() => {}, 1000);
    console.log('logged');
    break;
  }
  case 'own-signal':
    setInterval(() => {}, 1000);
    process.once('SIGTERM', () => process.exit(4));
    console.log('logged');
    break;
}
