#!/bin/bash
# Puts a worker in the place of one that still answers, while collectors write: docs/citus.md
# replace-worker.sh <URL of the coordinator's database> <old host> <old port> <new host> <new port>
set -euo pipefail
[ $# = 5 ] || { sed -n '2,3p' "$0" >&2; exit 2; }
url=$1
ask() {
  psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 \
    -v old="$old" -v old_port="$old_port" -v new="$new" -v new_port="$new_port" "$url"
}
old=$2 old_port=$3 new=$4 new_port=$5
ask <<< "select citus_add_node(:'new', :new_port)" > /dev/null
ask <<< "select citus_drain_node(:'old', :old_port, shard_transfer_mode := '${TRANSFER:-force_logical}')" > /dev/null
left=$(ask <<< "select count(*) from citus_shards where nodename = :'old' and nodeport = :old_port")
[ "$left" = 0 ] || { echo "$left shards are still on $old:$old_port" >&2; exit 1; }
ask <<< "select citus_remove_node(:'old', :old_port)" > /dev/null
ask <<< "select nodename || ':' || nodeport || ' has ' || count(*) || ' shards' from citus_shards
  where citus_table_type = 'distributed' group by nodename, nodeport order by 1"
