-- The role that Grafana reads as: READER_PASSWORD=… psql --file=deploy/grafana/role.sql
-- It can be run again, for another password or after an upgrade.
\getenv password READER_PASSWORD
select set_config('telemetry.reader_password', :'password', false) \g /dev/null
do $$
begin
  if not exists (select from pg_roles where rolname = 'grafana') then
    create role grafana login;
  end if;
  execute format('alter role grafana password %L', current_setting('telemetry.reader_password'));
end
$$;
grant usage on schema public to grafana;
grant select on telemetry_events, telemetry_event_quarters, telemetry_usage_quarters to grafana;
alter role grafana set default_transaction_read_only = on;
alter role grafana set statement_timeout = '10s';
