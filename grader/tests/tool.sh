#!/bin/sh
# tool.sh TOOL "OPTIONS" FILE...: one check a file with a tool that is silent about good files.
# "make COMMAND…" in place of the options runs (makes) that one command for all the files at once; it
# names a bad file as `FILE:LINE:` in what it prints. WANTED in the environment is the only version of
# the tool that counts. Ends with the closing line of Check.
tool=$1 options=$2
shift 2

skip() {
	echo "skipped: $1"
	echo "100%: Checks: 0, Failures: 0, Errors: 0"
	exit 0
}

command -v "$tool" >/dev/null || skip "$tool is not installed (make deps)"
[ -z "${WANTED-}" ] || "$tool" --version | grep -q " version $WANTED\." ||
	skip "$tool is not of version $WANTED"

failures=0
said=$(mktemp)
trap 'rm -f "$said"' EXIT

case $options in
make\ *)
	${options#make } >"$said" 2>&1
	status=$?
	grep -Ev '^  (compile|link) |^make' "$said"
	if [ $status -ne 0 ]; then
		failures=$(grep -oE '^[^ :]+\.[ch]:[0-9]+' "$said" | cut -d: -f1 | sort -u | wc -l)
		[ "$failures" -gt 0 ] || failures=1
	fi
	;;
*)
	for file; do
		# shellcheck disable=SC2086: the options are words
		"$tool" $options "$file" >"$said" 2>&1 || {
			failures=$((failures + 1))
			head -n 20 "$said"
		}
	done
	;;
esac

percent=100
[ $# -gt 0 ] && percent=$((($# - failures) * 100 / $#))
echo "$percent%: Checks: $#, Failures: $failures, Errors: 0"
[ "$failures" -eq 0 ]
