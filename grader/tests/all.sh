#!/bin/sh
# all.sh LOGS PART...: runs `make PART` for each part, one after the other, shows each one's own
# closing line, and sums them up in the form of Check. Exit status 1 when anything failed.
logs=$1
shift
mkdir -p "$logs"
checks=0 failures=0 errors=0

for part; do
	log=$logs/$part.log
	start=$(date +%s)
	${MAKE:-make} -s --no-print-directory "$part" >"$log" 2>&1
	status=$?
	line=$(grep -E '^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$' "$log" | tail -n 1)
	if [ -n "$line" ]; then
		set -- $(echo "$line" | sed 's/^[0-9]*%//; s/[^0-9]/ /g')
	else
		set -- 1 0 1
		line="it did not come to its end"
	fi
	# A part that fails after a clean summary (a crash at exit, say) has failed all the same.
	if [ "$status" -ne 0 ] && [ $(($2 + $3)) -eq 0 ]; then
		set -- "$1" "$2" 1
		line="$line (but exit status $status)"
	fi
	checks=$((checks + $1)) failures=$((failures + $2)) errors=$((errors + $3))
	printf '%-9s %4d s  %s\n' "$part" $(($(date +%s) - start)) "$line"
	if [ $(($2 + $3)) -gt 0 ]; then
		echo "---- the end of $log"
		tail -n 40 "$log"
		echo "----"
	fi
	grep '^skipped: ' "$log" | sort -u
done

percent=100
[ "$checks" -gt 0 ] && percent=$(((checks - failures - errors) * 100 / checks))
echo "$percent%: Checks: $checks, Failures: $failures, Errors: $errors"
[ $((failures + errors)) -eq 0 ]
