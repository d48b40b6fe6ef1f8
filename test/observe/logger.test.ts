import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { prettyTo } from '../../src/observe/logger.ts';

it('quotes what others have sent in readable lines as text that begins no line and moves no cursor', async () => {
  const terminal = new PassThrough();
  const logger = pino({}, prettyTo(terminal));
  const evil = 'a\n[12:00:00.000] INFO: forged\r\u001b[2J\u009b31m\u007f C:\\run';
  logger.info({ text: evil }, evil);
  logger.error({ err: new Error(evil) }, 'failed');
  await expect.poll(() => terminal.readableLength).toBeGreaterThan(400);
  const text = String(terminal.read());
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones to be replaced
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  expect(text.match(/^\[.*/gm)).toEqual([
    expect.stringMatching(
      /INFO: a\\n\[12:00:00\.000\] INFO: forged\\r\\u001b\[2J\\x9b31m\\x7f C:\\run$/,
    ),
    expect.stringMatching(/ERROR: failed$/),
  ]);
});
