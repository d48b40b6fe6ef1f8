import { createHash } from 'node:crypto';
import { errorMessage, StartError } from '../errors.ts';
import { decimalText } from './decimal.ts';
import { type OwnEntry, ownFile } from './own-schema.ts';
import type { Price } from './price.ts';
import { providerName } from './provider.ts';

/** A price of the operator's own. */
export interface OwnPrice {
  /** As the file has them. */
  readonly provider: string;
  readonly model: string;
  readonly serviceTier: string;
  /** Since 1970, the end excluded. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly price: Price;
}

export interface OwnPrices {
  /** The first digits of its content's SHA-256. */
  readonly version: string;
  /** When it was last changed: a day in UTC. */
  readonly date: string;
  /** In the order of the file: the first that fits counts. */
  readonly entries: readonly OwnPrice[];
}

export const noOwnPrices: OwnPrices = { version: '', date: '', entries: [] };

const versionDigits = 8;

/** Reads a file of prices; throws a `StartError` that names the entry and its field. */
export function parseOwnPrices(text: string, changedAt: Date): OwnPrices {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new StartError(`is no JSON: ${errorMessage(error)}`);
  }
  const result = ownFile.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new StartError(`${pathText(issue?.path ?? [])}: ${issue?.message}`);
  }
  const digest = createHash('sha256').update(text).digest('hex');
  return {
    version: digest.slice(0, versionDigits),
    date: changedAt.toISOString().slice(0, 10),
    entries: result.data.prices.map(ownPrice),
  };
}

/** `prices[2].watts` */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return text.join('').replace(/^\./, '') || 'the file';
}

function ownPrice(entry: OwnEntry): OwnPrice {
  return {
    provider: entry.provider ?? '',
    model: entry.model,
    serviceTier: entry.service_tier ?? '',
    fromMs: entry.from ?? -Infinity,
    untilMs: entry.until ?? Infinity,
    price: priceOf(entry),
  };
}

function priceOf(entry: OwnEntry): Price {
  const { usd_per_gpu_hour: gpuHour, gpus = 1000n, watts, usd_per_kwh: kwh } = entry;
  if (gpuHour !== undefined) {
    const words = `${decimalText(gpus, 3)} GPU at $${decimalText(gpuHour, 15)} an hour`;
    return { by: 'time', perHour: gpus * gpuHour, words };
  }
  if (watts !== undefined && kwh !== undefined) {
    const words = `${decimalText(watts, 3)} W at $${decimalText(kwh, 12)} a kWh`;
    return { by: 'time', perHour: watts * kwh, words };
  }
  const { usd_per_million_tokens: rates = {}, usd_per_request: request = 0n } = entry;
  return { by: 'tokens', rates, request };
}

/** Whether an entry is about this provider and model: `*` stands for anything. */
export function isAbout(entry: OwnPrice, provider: string, model: string): boolean {
  if (!fits(entry.model, model)) return false;
  if (entry.provider === '') return true;
  return entry.provider.includes('*')
    ? fits(entry.provider, provider)
    : providerName(entry.provider) === providerName(provider);
}

export function fits(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return pattern.toLowerCase() === name.trim().toLowerCase();
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${source}$`, 'is').test(name.trim());
}
