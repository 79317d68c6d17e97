#!/bin/sh
# workers.sh VIGIA: the same bytes come out whatever the number of workers, for observe and for replay, on every shared
# capture: all of them merged in one run, and each small one alone. What to look for in replay is taken from what
# observe saw, so that there is something to find nearly everywhere.
set -eu
vigia=$1
data=../shared/data
[ -e $data/CAPTURES.tsv ] || { echo "skipped: no shared data" && exit 77; }
alone_max=${VIGIA_LONG:+1000000000}
alone_max=${alone_max:-2500} # bytes; a process a capture and thread count adds up

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Status 1 says that some input is damaged, and among these some are; anything above is a failure of ours.
run() {
    "$vigia" "$@" 2>"$work/err" && return
    status=$?
    [ $status = 1 ] && return
    tail -n 20 "$work/err" >&2
    echo "vigia $1: exit status $status" >&2
    exit 1
}

tail -n +2 $data/CAPTURES.tsv | cut -f1 | sed "s|^|$data/|" >"$work/all"
set --
while read -r path; do
    set -- "$@" "$path"
done <"$work/all"

run observe --format json --threads 1 "$@" >"$work/observed.1"
{
    echo type,value
    sed -n 's/.*"type":"\([a-z0-9-]*\)","value":"\([A-Za-z0-9.:_-]*\)".*/\1,\2/p' "$work/observed.1" | sort -u |
        awk 'NR % 7 == 0'
} >"$work/wanted.csv"
run replay --format json --threads 1 -i "$work/wanted.csv" "$@" >"$work/found.1"
echo "$# captures, $(wc -l <"$work/observed.1") observables, $(wc -l <"$work/wanted.csv") indicators," \
    "$(wc -l <"$work/found.1") findings"
[ -s "$work/observed.1" ] && [ -s "$work/found.1" ] || { echo "nothing was seen or found" && exit 1; }

for threads in 2 4; do
    run observe --format json --threads $threads "$@" >"$work/observed"
    cmp "$work/observed.1" "$work/observed" || { echo "observe differs with $threads workers" && exit 1; }
    run replay --format json --threads $threads -i "$work/wanted.csv" "$@" >"$work/found"
    cmp "$work/found.1" "$work/found" || { echo "replay differs with $threads workers" && exit 1; }
done

# shellcheck disable=SC2016  # expanded by the inner shell
tail -n +2 $data/CAPTURES.tsv | awk -F '\t' -v max="$alone_max" -v data=$data '$3 <= max { print data "/" $1 }' |
    tr '\n' '\0' | vigia=$vigia wanted=$work/wanted.csv xargs -0 -P 2 -n 20 sh -c '
        for capture; do
            for threads in 1 2 4; do
                seen=$("$vigia" observe --format json --threads $threads "$capture" 2>/dev/null | cksum)
                [ "$threads" = 1 ] && first=$seen
                [ "$seen" = "$first" ] || { echo "$capture: observe differs with $threads workers" && exit 1; }
            done
        done' sh
