#!/bin/sh
# bench.sh MAPLAB: seconds of grading each reference solution, those of compiling it (measured in the
# same run), and the ratio: design.md wants at most 2, which is as long again as the compilation.
maplab=$1
MAPLAB_STORE=$(mktemp)
export MAPLAB_STORE
trap 'rm -f "$MAPLAB_STORE"' EXIT
"$maplab" grade --source solutions --format json >"$MAPLAB_STORE.json" 2>/dev/null
trap 'rm -f "$MAPLAB_STORE" "$MAPLAB_STORE.json"' EXIT

# The writer puts a key a line; id, status, seconds and compile_seconds of a lab come in this order.
awk -F'"' '
	/^      "id":/ { id = $4 }
	/^      "status":/ { status = $4 }
	/^      "seconds":/ { split($3, part, "[:,]"); seconds = part[2] }
	/^      "compile_seconds":/ {
		split($3, part, "[:,]")
		compile = part[2]
		if (compile > 0)
			printf "%-22s %-12s grading %6.3f s  compiling %6.3f s  ratio %5.2f\n",
				id, status, seconds, compile, seconds / compile
		else
			printf "%-22s %s\n", id, status
	}' "$MAPLAB_STORE.json"
