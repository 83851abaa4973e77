#!/usr/bin/env bash
# Debian packages of what is built, in build/deb: walferry, the program, for any machine that reaches both servers; and
# postgresql-NN-walferry, the plugin and its extension, for the source. Needs build/release/walferry and the built plugin:
# `make deb` sees to both.
set -euo pipefail

top=$(realpath "$(dirname "$0")/..")
pg_config=${PG_CONFIG:-pg_config}
out=$top/build/deb
version=$("$top/build/release/walferry" --version | cut -d' ' -f2)
major=$("$pg_config" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
architecture=$(dpkg --print-architecture)

# dpkg-shlibdeps reads debian/control of a source tree, which there is none of.
libraries() { # FILE
	mkdir -p "$out/debian"
	printf 'Source: walferry\n\nPackage: walferry\nArchitecture: any\n' >"$out/debian/control"
	(cd "$out" && dpkg-shlibdeps -O "$1" 2>/dev/null) | sed 's/^shlibs:Depends=//'
}

build_package() { # NAME DEPENDS SUMMARY DESCRIPTION
	mkdir -p "$out/$1/DEBIAN"
	cat >"$out/$1/DEBIAN/control" <<-CONTROL
		Package: $1
		Version: $version
		Architecture: $architecture
		Section: database
		Priority: optional
		Maintainer: walferry maintainers <walferry@localhost>
		Depends: $2
		Installed-Size: $(du -sk "$out/$1" | cut -f1)
		Description: $3
		 $4
	CONTROL
	dpkg-deb --root-owner-group --build "$out/$1" "$out/${1}_${version}_$architecture.deb" >/dev/null
	echo "$out/${1}_${version}_$architecture.deb"
}

# The account of the service, and who may read the task files, which may hold passwords.
write_scripts() {
	cat >"$out/walferry/DEBIAN/postinst" <<-'SCRIPT'
		#!/bin/sh
		set -e
		if [ "$1" = configure ]; then
			getent passwd walferry >/dev/null ||
				adduser --quiet --system --group --no-create-home --home /nonexistent walferry
			chown root:walferry /etc/walferry
			chmod 750 /etc/walferry
		fi
	SCRIPT
	chmod 755 "$out/walferry/DEBIAN/postinst"
}

rm -rf "$out"
mkdir -p "$out/walferry/DEBIAN" "$out/walferry/etc/walferry" "$out/plugin"
make -s -C "$top" install-program DESTDIR="$out/walferry" PREFIX=/usr
strip --strip-unneeded "$out/walferry/usr/bin/walferry"
write_scripts
build_package walferry "$(libraries "$out/walferry/usr/bin/walferry"), adduser, postgresql-client" \
	"keeps a PostgreSQL database equal to another one" \
	"Copies schema and data, then applies every change, schema changes included, in parallel and in order."

mv "$out/plugin" "$out/postgresql-$major-walferry"
make -s -C "$top/plugin" install DESTDIR="$out/postgresql-$major-walferry" PG_CONFIG="$pg_config" >/dev/null
build_package "postgresql-$major-walferry" "postgresql-$major" \
	"output plugin and extension of walferry for PostgreSQL $major" \
	"To be installed at the source of a walferry task. It writes the change stream and records schema changes."
rm -rf "$out/debian" "$out/walferry" "$out/postgresql-$major-walferry"
