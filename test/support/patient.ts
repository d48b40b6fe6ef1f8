/** Of a collector in a test that is not about how long a busy machine takes to commit. */
export const patient = {
  TELEMETRY_UNARY_MS_MAX: '20000',
  TELEMETRY_COMMIT_MS_MAX: '15000',
  TELEMETRY_STREAM_COMMIT_MS_MAX: '15000',
};
