#!/bin/bash
# Adds a worker to a cluster, and moves shards to it while collectors write: docs/citus.md
# add-worker.sh <URL of the coordinator's database> <host> <port>
set -euo pipefail
[ $# = 3 ] || { sed -n '2,3p' "$0" >&2; exit 2; }
url=$1 host=$2 port=$3
ask() { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 "$url" "$@"; }

ask -v host="$host" -v port="$port" <<< "select citus_add_node(:'host', :port)" > /dev/null
# Without a replica identity of its own, the logical replication of a shard copies whole rows.
ask <<< "select citus_rebalance_start(rebalance_strategy := 'by_shard_count', shard_transfer_mode := '${TRANSFER:-force_logical}')" > /dev/null
ask <<< "select citus_rebalance_wait()" > /dev/null
state=$(ask <<< "select state from citus_rebalance_status() order by job_id desc limit 1")
[ -z "$state" ] || [ "$state" = finished ] || { echo "the rebalancing is $state: select * from citus_rebalance_status()" >&2; exit 1; }
ask <<< "select nodename || ':' || nodeport || ' has ' || count(*) || ' shards' from citus_shards
  where citus_table_type = 'distributed' group by nodename, nodeport order by 1"
