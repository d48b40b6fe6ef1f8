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
export type { AnswerKind } from './plain.ts';
export type {
  Dimensions,
  DimensionsQuestion,
  EventFilter,
  EventPage,
  ExplainQuestion,
  Footprint,
  Service,
  Stats,
  StatsQuestion,
  TimeSeriesAnswer,
  TimeSeriesQuestion,
  Trends,
  TrendsQuestion,
  UsageExplanation,
  UsageFilter,
  UsagePage,
  UsageQuestion,
  UsageSummary,
} from './query.ts';
export type { EventFields, UsageFields } from './records.ts';
export type { TailBatch, TailFilter, TailRecord } from './tail.ts';
export type { Timer, TimerFields } from './timer.ts';
