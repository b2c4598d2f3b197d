# Sourced by the rig's scripts: where things lie, on which ports they listen, how processes are started and ended.
# shellcheck shell=bash disable=SC2034
rig=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# One rig lives in a network namespace of its own, so that fixed ports are no trouble.
etcd_port=23790 etcd_peer_port=23800
api_port=26443                       # 26444 controller manager, 26445 scheduler
kwok_port=10247
git_port=18080                       # http://127.0.0.1:18080/home.git
source_port=19090                    # 19091-19096 metrics and health of the Flux controllers
s3_port=19000 sql_port=19001 thrift_port=19002     # what port-forwards to the gateway, PostgreSQL and the metastore reach

die() { echo "${0##*/}: $*" >&2; exit 1; }
inside() { [ "${RIG_INSIDE:-}" = 1 ] || die "run me inside the rig's network namespace: rig/within ${0##*/} …"; }

# at STATE_DIR: sets the folders below it.
at() { state=$(mkdir -p "$1" && cd "$1" && pwd); run=$state/run; log=$state/log; pki=$state/pki; git=$state/git; kubeconfig=$state/kubeconfig; }
# programs: sets where they are, building them if they are missing.
programs() { home=$("$rig/build"); bin=$home/bin; share=$home/share; }
kc() { "$bin/kubectl" --kubeconfig "$kubeconfig" "$@"; }

# A pid alone may have been given to somebody else: its start time says whether it is still the one we started.
began() { awk '{sub(/.*\) /,""); print $20}' "/proc/$1/stat" 2>/dev/null; }
alive() { [ -n "$1" ] && [ "$(began "$1")" = "$2" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }

# start NAME COMMAND…: in the background, output to log/NAME.log, recorded in run/pids for `end` and `down`.
start() { local n=$1; shift; setsid nohup "$@" >>"$log/$n.log" 2>&1 </dev/null & echo "$n $! $(began $!)" >>"$run/pids"; }
# started NAME: prints "PID BEGAN" of the last one of that name.
started() { awk -v n="$1" '$1 == n {l = $2 " " $3} END {print l}' "$run/pids" 2>/dev/null; }
# stop PID BEGAN: TERM, then KILL after 15 s.
stop() {
  local n=0; alive "$1" "$2" || return 0
  kill -TERM "$1"
  while alive "$1" "$2"; do n=$((n + 1)); [ $n -gt 300 ] && { kill -KILL "$1"; break; }; sleep 0.05; done
}
# end NAME: stops it and forgets it.
end() {
  local pid t; read -r pid t <<<"$(started "$1")"; stop "${pid:-}" "${t:-}"
  awk -v n="$1" '$1 != n' "$run/pids" >"$run/pids.new"; mv "$run/pids.new" "$run/pids"
}
# await WHAT COMMAND…: until it succeeds, for a minute and a half; `pause` is the time between two tries.
await() {
  local what=$1 end=$((SECONDS + 90)); shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -gt $end ] && die "timeout: $what (logs: $log)"; sleep "${pause:-0.05}"; done
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
git_server() { start githttp python3 "$rig/githttp.py" 127.0.0.1 $git_port "$git"; await "the Git server" listens $git_port; }
canned_logs() { sed "s|RIG_LOGS|$rig/reference/logs|g" "$rig/reference/cluster/kwok.yaml"; }
