#!/bin/sh
# skeletons.sh DIR: keeps the skeletons of all labs, as they were given to the student, in DIR/labs.
# Students write into labs/ itself; `maplab reset` and the verdict "not started" need the original.
# It is the state of the commit that last touched the lab's exam or its solutions, which students do
# not touch. Where git does not know them, it is the file as it is when it is first seen.
set -u
dir=$1
mkdir -p "$dir/labs"
ln -sfn ../../common "$dir/common"

head=$(git rev-parse HEAD 2>/dev/null) || head=none
known=$(cat "$dir/head" 2>/dev/null)

for exam in labs/*/exam.c; do
	[ -e "$exam" ] || continue
	lab=$(basename "$(dirname "$exam")")
	[ "$head" = "$known" ] && [ -e "$dir/labs/$lab/.from-git" ] && continue
	commit=
	[ "$head" != none ] && commit=$(git log -1 --format=%H -- "$exam" "solutions/$lab")
	mkdir -p "$dir/labs/$lab"
	for file in labs/"$lab"/*.c; do
		name=$(basename "$file")
		[ "$name" = exam.c ] && continue
		if [ -n "$commit" ] && git show "$commit:$file" >"$dir/new" 2>/dev/null; then
			mv "$dir/new" "$dir/labs/$lab/$name"
			: >"$dir/labs/$lab/.from-git"
		elif [ "$head" != none ] || [ ! -e "$dir/labs/$lab/$name" ]; then
			cp "$file" "$dir/labs/$lab/$name"
		fi
	done
done
rm -f "$dir/new"
echo "$head" >"$dir/head"
