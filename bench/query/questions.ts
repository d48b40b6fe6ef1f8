/** What dashboards ask, by the names over HTTP; the name of each row of the table. */
export const questions: Readonly<Record<string, string>> = {
  'latest events of a frequent component': 'events?component=component-0&limit=100',
  'latest events of a component that has none': 'events?component=nobody&limit=100',
  'latest events of an absent type': 'events?event_type=ABSENT&limit=100',
  'statistics by component, 24 h': 'stats?hours=24&group_by=component',
  'statistics by component, 7 d': 'stats?hours=168&group_by=component',
  'statistics by component, 60 d': 'stats?hours=1440&group_by=component',
  'statistics by component and type, 60 d': 'stats?hours=1440&group_by=component,event_type',
  'events over time by type, 24 h': 'timeseries?hours=24&group_by=event_type',
  'events over time, 60 d by day of a zone':
    'timeseries?hours=1440&width=1d&time_zone=Asia/Kolkata',
  'usage by model, 30 d beside 30 d': 'usage/summary?hours=720&group_by=model&compare_before=true',
  'usage by user, 30 d': 'usage/summary?hours=720&group_by=user',
  'spend of the month by day and model, with forecast':
    'usage/summary?period=month&width=1d&group_by=model&forecast=true',
  'trends, 60 d': 'trends?days=60',
  dimensions: 'dimensions',
  footprint: 'footprint',
};
