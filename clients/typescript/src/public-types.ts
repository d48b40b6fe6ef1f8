export type { BeforeSend, OutgoingEvent, OutgoingUsage } from './before-send.ts';
export type { Counters, DropReason, FlushResult } from './counters.ts';
export type {
  LegacyEfficiencies,
  LegacyEfficiency,
  LegacyEvent,
  LegacyFootprint,
  LegacyStatistics,
} from './legacy.ts';
export type { ClientLogger, Fallbacks } from './options.ts';
export type {
  EventFilter,
  EventPage,
  Footprint,
  Stats,
  Trends,
  UsageSummary,
} from './query.ts';
export type { EventFields, UsageFields } from './records.ts';
export type { Timer, TimerFields } from './timer.ts';
