#!/bin/sh
# Kills `assay run` at ten moments and begins it again each time; what comes out must be, byte for byte, what an
# uninterrupted run gives. Then the same with worker processes and another number of threads.
#
#     tests/tools/resume.sh path/to/assay suite.json [kills]
#
# Exit status: 0 the same, 1 not the same, 2 something else failed.
set -eu
assay=$(realpath "$1")
suite=$(realpath "$2")
kills=${3:-10}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

run() { # store, further options
    store=$1
    shift
    exec "$assay" run "$suite" --store "$store" --report "$store.report" --quiet --json \
        --checkpoint-seconds 0.02 "$@" >"$store.out" 2>>"$store.log"
}

whole_run() { # the same, which must end well
    (run "$@") || { cat "$1.log"; exit 2; }
}

export_run() {
    "$assay" export last --canonical --store "$1" >"$1.jsonl" || exit 2
}

now() { date +%s%N; }

start=$(now)
whole_run whole.db
whole_ns=$(($(now) - start))
export_run whole.db

# A kill anywhere within the time that the whole run took; what was done by then stays, so later ones come earlier.
killed=0
i=0
while [ "$i" -lt "$kills" ]; do
    i=$((i + 1))
    random=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
    wait_s=$(awk -v r="$random" -v w="$whole_ns" -v n="$kills" 'BEGIN { printf "%.3f", r / 4294967296 * w / 1e9 * 2 / n }')
    run killed.db &
    pid=$!
    sleep "$wait_s"
    if kill -9 "$pid" 2>/dev/null; then killed=$((killed + 1)); fi
    wait "$pid" 2>/dev/null || true
done
whole_run killed.db
export_run killed.db

whole_run jobs.db --jobs 3 --threads 1
export_run jobs.db

whole_run threads.db --threads 3
export_run threads.db

for other in killed jobs threads; do
    if ! cmp whole.db.jsonl "$other.db.jsonl"; then
        diff whole.db.jsonl "$other.db.jsonl" | head -5 | cut -c1-300
        exit 1
    fi
done
test ! -e killed.db.state || { echo "a state folder is left"; exit 1; }
echo "killed $killed times of $kills: the same $(wc -l <whole.db.jsonl) lines"
