# Reads what cargo test printed with --show-output; gives "passed failed skipped".
# A test that printed "skipped: <peer>" counts as skipped and not as passed. A negative control is ignored where it
# stands and run by the check that it controls: it counts there.
/^successes:$/ { part = "successes"; next }
/^failures:$/ { part = "failures"; next }
/^---- .* stdout ----$/ { section++; next }
/^skipped: / && part == "" { said++; next }
/^skipped: / && part == "successes" && last != section { said++; last = section; next }
/^test .* ignored, (negative control|must fail)/ { controls++ }
/^test result: / {
    part = ""
    for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed;/) passed += $(i - 1)
        if ($i ~ /^failed;/) failed += $(i - 1)
        if ($i ~ /^ignored;/) ignored += $(i - 1)
    }
}
END { print passed - said, failed + 0, ignored - controls + said }
