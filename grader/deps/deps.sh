#!/bin/sh
# deps.sh run|all: installs what is missing of the table in `packages`, with apt or dnf. Does
# nothing, and needs no network, when all is there. Uses sudo only when not root; where that is not
# possible, and on other systems, it says what to install.
set -u
wanted=${1:-all}
table=$(dirname "$0")/packages

present() {
	case $1 in
	command:*) command -v "${1#*:}" >/dev/null ;;
	module:*) pkg-config --exists "${1#*:}" 2>/dev/null ;;
	file:*) [ -e "${1#*:}" ] ;;
	library:*) [ -e "$(gcc -print-file-name="${1#*:}" 2>/dev/null)" ] ;;
	esac
}

# The packages of one column whose row is wanted and whose test says no.
missing() {
	grep -Ev '^(#|$)' "$table" | while read -r group test apt dnf; do
		[ "$wanted" = all ] || [ "$wanted" = "$group" ] || continue
		case $1 in apt) package=$apt ;; dnf) package=$dnf ;; esac
		[ "$package" = - ] || present "$test" || printf ' %s' "$package"
	done
}

if command -v apt-get >/dev/null; then
	system=apt install='apt-get install -y --no-install-recommends' refresh='apt-get update -q'
elif command -v dnf >/dev/null; then
	system=dnf install='dnf install -y --setopt=install_weak_deps=False' refresh=false
else
	system=apt install='' refresh=false
fi

packages=$(missing $system)
[ -n "$packages" ] || exit 0

if [ -z "$install" ]; then
	echo "make deps knows apt and dnf. On this system please install, by whatever names it has them:"
	echo " $packages"
	echo "and start again."
	exit 1
fi

if [ "$(id -u)" -eq 0 ]; then
	as_root=env
elif command -v sudo >/dev/null; then
	as_root='sudo env'
else
	echo "These packages are missing, and installing them needs root (there is no sudo here):"
	echo "    $install$packages"
	exit 1
fi

echo "installing:$packages"
# Fresh images have no package lists, and old lists name files that are gone: only then `update`.
# shellcheck disable=SC2086: these are lists of words
$as_root DEBIAN_FRONTEND=noninteractive $install $packages ||
	{ $as_root $refresh && $as_root DEBIAN_FRONTEND=noninteractive $install $packages; } ||
	{
		echo "That did not work. Please install these by hand, then start again:"
		echo "    $install$packages"
		exit 1
	}

left=$(missing $system)
[ -z "$left" ] || echo "still not found after installing:$left"
