# Reads tests/skips.txt and the log of 'ctest --verbose', prints what failed and what was skipped and why, and closes
# with 'N passed, N failed, N skipped'. Criterion's programs count each of their tests, any other program counts as one.
# Exit status 1 where a test failed, where more were skipped than allowed, or where nothing ran.

# tests/skips.txt: a line 'COUNT PATTERN' allows COUNT skips ('any': any number) whose reason contains PATTERN.
FILENAME ~ /skips\.txt$/ {
    if ($0 ~ /^[ \t]*(#|$)/) next
    allowed[++n_rules] = $1
    pattern[n_rules] = $0
    sub(/^[ \t]*[^ \t]+[ \t]+/, "", pattern[n_rules])
    next
}

function strip_number(line)
{
    sub(/^[0-9]+: /, "", line)
    return line
}

# Lines of a test's output begin with 'N: '; several tests run at once, so all is kept by that number.
/^[0-9]+: / {
    id = $1 + 0
    line = strip_number($0)
    output[id] = output[id] line "\n"
    if (line ~ /^\[SKIP\]/) skips[++n_skipped] = substr(line, 8)
    if (line ~ /^\[====\] Synthesis:/) {
        split(line, field, /[^0-9]+/)
        tested[id] = 1
        passing[id] += field[3]
        failing[id] += field[4]
    }
    next
}

# ' 3/12 Test  #7: base .......   Passed    1.42 sec'
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
    match($0, /#[0-9]+/)
    id = substr($0, RSTART + 1, RLENGTH - 1) + 0
    match($0, /#[0-9]+: [^ ]+/)
    name = substr($0, RSTART, RLENGTH)
    sub(/^#[0-9]+: /, "", name)
    has_passed = $0 ~ / Passed /
    is_skipped = $0 ~ /\*\*\*Skipped/
    n_programs++
    n_passed += passing[id]
    n_failed += failing[id]
    if (is_skipped) {
        skips[++n_skipped] = name ": " last_line(output[id])
    } else if (has_passed) {
        n_passed += !tested[id]
    } else {
        if (failing[id] == 0) n_failed++ # died without a word, timed out, or a sanitizer's report at the end
        failures = failures failure(name, output[id])
    }
}

function last_line(text,    lines, n)
{
    n = split(text, lines, "\n")
    return n > 1 ? lines[n - 1] : "no reason given"
}

# What matters of a failed program's output: not each test that ran or passed.
function failure(name, text,    lines, n, i, shown)
{
    n = split(text, lines, "\n")
    shown = "--- " name " failed\n"
    for (i = 1; i < n; i++) {
        if (lines[i] !~ /^\[(RUN |PASS|SKIP)\]|^\[====\] Running|^$/) shown = shown lines[i] "\n"
    }
    return shown
}

# The rule that allows a skip, used up by one; 0 where none does.
function use_rule(reason,    r)
{
    for (r = 1; r <= n_rules; r++) {
        if (index(reason, pattern[r]) == 0 || (allowed[r] != "any" && allowed[r] <= 0)) continue
        if (allowed[r] != "any") allowed[r]--
        return r
    }
    return 0
}

END {
    printf "%s", failures
    for (i = 1; i <= n_skipped; i++) {
        is_allowed = use_rule(skips[i])
        printf "skipped%s: %s\n", is_allowed ? "" : " (not allowed by tests/skips.txt)", skips[i]
        n_forbidden += !is_allowed
    }
    if (n_forbidden > 0) printf "%d skipped more than tests/skips.txt allows\n", n_forbidden
    if (n_programs == 0) print "no test ran"
    printf "%d passed, %d failed, %d skipped\n", n_passed, n_failed, n_skipped
    exit n_failed > 0 || n_forbidden > 0 || n_programs == 0
}
