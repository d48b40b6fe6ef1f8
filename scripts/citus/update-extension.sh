#!/bin/bash
# Has the database of all servers take over the version of Citus that they run: docs/citus-upgrades.md
# update-extension.sh <URL of the coordinator's database>
set -euo pipefail
[ $# = 1 ] || { sed -n '2,3p' "$0" >&2; exit 2; }
url=$1
ask() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 "$url"; }

ask <<< "alter extension citus update"
failed=$(ask <<< "select nodename || ':' || nodeport || ': ' || result
  from run_command_on_workers('alter extension citus update') join pg_dist_node using (nodename, nodeport)
  where not success order by 1")
[ -z "$failed" ] || { echo "$failed" >&2; exit 1; }
ask <<< "call citus_finish_citus_upgrade()"
ask <<< "select nodename || ':' || nodeport || ' has ' || result
  from run_command_on_all_nodes('select extversion from pg_extension where extname = ''citus''')
    join pg_dist_node using (nodeid) order by groupid"
