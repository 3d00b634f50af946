# Shows a run as it goes, leaving out what passing tests printed, except what they skipped.
/^successes:$/ { quiet = 1; next }
/^failures:$/ || /^test result: / { quiet = 0 }
!quiet || /^skipped: / { print; fflush() }
