# Reads tests/skips.txt and CTest's log (Testing/Temporary/LastTest.log), prints what failed and what was skipped and
# why, and closes with 'N passed, N failed, N skipped'. A Criterion program counts each of its tests, any other program
# counts as one; it is skipped where it prints a line '[SKIP] reason'. -v ctest_status=N is CTest's exit status.
# Exit status 1 where a test failed, where more were skipped than allowed, or where nothing ran.

# tests/skips.txt: a line 'COUNT PATTERN' allows COUNT skips ('any': any number) whose reason matches PATTERN.
FILENAME ~ /skips\.txt$/ {
    if ($0 ~ /^[ \t]*(#|$)/) next
    allowed[++n_rules] = $1
    pattern[n_rules] = $0
    sub(/^[ \t]*[^ \t]+[ \t]+/, "", pattern[n_rules])
    next
}

/^[0-9]+\/[0-9]+ Testing: / && !in_output {
    name = $0
    sub(/^[^:]*: /, "", name)
    output = ""
    is_criterion = is_skipped = passing = failing = is_reported = 0
    next
}

/^Output:$/ && !in_output { is_next = 1; next }
is_next { in_output = 1; is_next = 0; next } # a line of dashes

/^<end of output>$/ { in_output = 0; next }

in_output {
    if ($0 ~ /^\[SKIP\].*: Test is disabled$/) next # not chosen by the filter
    if ($0 ~ /^\[SKIP\]/) {
        skips[++n_skipped] = substr($0, 8)
        is_skipped = 1
    }
    if ($0 ~ /^\[====\] Synthesis:/) {
        split($0, field, /[^0-9]+/)
        is_criterion = 1
        passing += field[3]
        failing += field[4]
    } else if ($0 !~ /^\[(RUN |PASS|SKIP)\]|^\[====\] Running|^\[----\] Criterion v|^$/) {
        output = output $0 "\n" # what matters where it failed
        # Criterion does not look how a test's process ends, which is where leaks are told.
        if ($0 ~ /ERROR: [A-Za-z]+Sanitizer: |: runtime error: /) is_reported = 1
    }
    next
}

/^Unable to find executable/ { missing = $0 } # stands before the test's own lines, which then say that it passed

/^Test (Passed|Failed)\.$/ && !in_output {
    n_passed += passing
    n_failed += failing
    if ($2 == "Passed." && missing == "" && !is_reported) {
        n_passed += !is_criterion && !is_skipped
    } else {
        if (failing == 0) n_failed++ # died without a word, timed out, or a sanitizer's report at its end
        printf "--- %s failed\n%s%s", name, (missing == "" ? "" : missing "\n"), output
    }
    missing = ""
}

# The rule that allows a skip, used up by one; 0 where none does.
function use_rule(reason,    r)
{
    for (r = 1; r <= n_rules; r++) {
        if (reason !~ pattern[r] || (allowed[r] != "any" && allowed[r] <= 0)) continue
        if (allowed[r] != "any") allowed[r]--
        return r
    }
    return 0
}

END {
    for (i = 1; i <= n_skipped; i++) {
        is_allowed = use_rule(skips[i])
        printf "skipped%s: %s\n", is_allowed ? "" : " (not allowed by tests/skips.txt)", skips[i]
        n_forbidden += !is_allowed
    }
    if (n_forbidden > 0) printf "%d skipped that tests/skips.txt does not allow\n", n_forbidden
    is_empty = n_passed + n_failed + n_skipped == 0
    if (is_empty) print "no test ran"
    if (ctest_status != 0 && n_failed == 0) {
        print "ctest failed without naming a test"
        n_failed = 1
    }
    printf "%d passed, %d failed, %d skipped\n", n_passed, n_failed, n_skipped
    exit n_failed > 0 || n_forbidden > 0 || is_empty
}
