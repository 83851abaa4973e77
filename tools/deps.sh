#!/usr/bin/env bash
# Installs what Debian 12 lacks for the groups named: build (default), lint, fuzz, browser, bench, versions.
# Asks only dpkg when nothing is missing. SKIP_DEPS=1: the machine has it all from elsewhere.
set -euo pipefail

packages_of() {
	case $1 in
	build)
		echo g++ make cmake ninja-build pkg-config \
			postgresql-15 postgresql-client-15 postgresql-server-dev-15 libpq-dev \
			libboost1.81-dev libcli11-dev libtomlplusplus-dev libspdlog-dev libfmt-dev \
			nlohmann-json3-dev libexpected-dev libgtest-dev libgmock-dev librapidcheck-dev \
			prometheus-cpp-dev libcivetweb-dev libcurl4-openssl-dev libjs-chart.js curl help2man
		;;
	lint) echo clang-format clang-tidy cppcheck shellcheck ;;
	fuzz) echo clang-14 libclang-rt-14-dev ;;
	browser) echo chromium chromium-driver ;; # looks at the dashboard
	versions) echo debootstrap ;;
	bench) echo pgcopydb ;; # a peer, to compare with
	*)
		echo "deps: no group $1" >&2
		return 1
		;;
	esac
}

give_up() {
	echo "deps: $1" >&2
	echo "deps: walferry needs these Debian 12 packages (SKIP_DEPS=1 goes on without looking):" >&2
	echo "    ${missing[*]}" >&2
	exit 1
}

[ "${SKIP_DEPS:-0}" != 1 ] || exit 0

wanted=()
for group in "${@:-build}"; do
	packages=$(packages_of "$group")
	read -ra packages <<<"$packages"
	wanted+=("${packages[@]}")
done

missing=("${wanted[@]}")
command -v dpkg-query >/dev/null || give_up "this is not a Debian system"
# dpkg-query ends with 1 when it doesn't know one of the packages, and lists the others all the same.
installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || [ $? -eq 1 ])
missing=()
for package in "${wanted[@]}"; do
	grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

command -v apt-get >/dev/null || give_up "there is no apt-get"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || give_up "installing packages needs root or sudo"
	as_root=(sudo)
fi
echo "deps: installing ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
	apt-get install -q -y --no-install-recommends "${missing[@]}"
