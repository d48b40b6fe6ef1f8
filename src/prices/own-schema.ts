import * as z from 'zod';
import { parseDecimal } from './decimal.ts';
import { perMillionPlaces } from './list.ts';
import { tokenParts } from './price.ts';

/** A number, or its digits as a string; not negative, with so many places at the most. */
const decimal = (places: number) =>
  z
    .union([z.number(), z.string()], { error: 'expects a number, or its digits as a string' })
    .transform((value, context) => {
      const parsed = parseDecimal(value, places);
      if (parsed !== undefined) return parsed;
      context.addIssue(`expects a decimal that is not negative, with at most ${places} places`);
      return z.NEVER;
    });

/** `2026-07-01`, midnight UTC, or a time with its zone. */
const time = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    error: 'expects a date such as 2026-07-01 (midnight UTC), or a time with its zone',
  })
  .transform((text) => Date.parse(text));

const perMillion = decimal(perMillionPlaces);

const rate = z.union(
  [
    perMillion.transform((base) => ({ base, tiers: [] })),
    z.strictObject({
      base: perMillion,
      tiers: z
        .array(z.strictObject({ over: z.int().nonnegative(), price: perMillion }).readonly())
        // In whatever order they are written.
        .transform((tiers) => tiers.toSorted((one, other) => one.over - other.over)),
    }),
  ],
  { error: 'expects a price, or {"base": …, "tiers": [{"over": …, "price": …}]}' },
);

const pattern = z.string().min(1, 'expects a name, in which * stands for anything');

const entry = z
  .strictObject({
    provider: pattern.optional(),
    model: pattern,
    service_tier: pattern.optional(),
    from: time.optional(),
    until: time.optional(),
    usd_per_million_tokens: z.partialRecord(z.enum(tokenParts), rate).optional(),
    usd_per_request: decimal(18).optional(),
    usd_per_gpu_hour: decimal(15).optional(),
    gpus: decimal(3).optional(),
    watts: decimal(3).optional(),
    usd_per_kwh: decimal(12).optional(),
  })
  .superRefine((given, { addIssue }) => {
    const ways = [
      given.usd_per_million_tokens !== undefined || given.usd_per_request !== undefined,
      given.usd_per_gpu_hour !== undefined,
      given.watts !== undefined || given.usd_per_kwh !== undefined,
    ];
    if (ways.filter(Boolean).length !== 1) {
      addIssue(
        'expects one of usd_per_million_tokens, usd_per_gpu_hour, or watts with usd_per_kwh',
      );
    }
    const fault = (path: string, message: string) =>
      addIssue({ code: 'custom', path: [path], message });
    if ((given.watts === undefined) !== (given.usd_per_kwh === undefined)) {
      fault(given.watts === undefined ? 'watts' : 'usd_per_kwh', 'is missing');
    }
    if (given.gpus !== undefined && given.usd_per_gpu_hour === undefined) {
      fault('gpus', 'goes with usd_per_gpu_hour');
    }
    if (given.from !== undefined && given.until !== undefined && given.until <= given.from) {
      fault('until', 'is not after from');
    }
  });

export type OwnEntry = z.output<typeof entry>;

export const ownFile = z.strictObject({ prices: z.array(entry) });
