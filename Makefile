# Two commands for everyone: `make demo` ends with the report of a finished call, `make test` runs every check there is.
# The work is done by the small scripts in .ci; each says what it needs and how to get it.

.DEFAULT_GOAL := help
.PHONY: help demo access-point test check prove

help:
	@echo 'make demo     build what a call needs and make one: two phones, one name, on this machine only'
	@echo 'make access-point   build the server that fits an access point'
	@echo 'make test     every check and every test that can run here; what was skipped is named'
	@echo 'make check    what to run before each commit: no foreign peers, no long proofs'
	@echo 'make prove    the long proofs and comparisons'
	@echo 'make demo ARGS="--json report.json"   hands the demo its flags (rove demo --help lists them)'

demo:
	@.ci/needs.sh
	@.ci/demo.sh $(ARGS)

access-point:
	@.ci/needs.sh
	@.ci/access-point.sh

test check prove:
	@.ci/needs.sh
	@.ci/checks.sh $@
