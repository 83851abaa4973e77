# The only entry: `make help` lists what there is. CMake and PGXS do the work behind it.

PREFIX ?= /usr/local
PG_CONFIG ?= pg_config
FUZZ_SECONDS ?= 60
SOAK ?= 10
export PG_CONFIG

jobs := $(shell nproc)
cxx_files = $(shell find applier bench -name "*.cpp" -o -name "*.h" | sort)
c_files = $(wildcard plugin/*.c plugin/*.h)
shell_files = $(wildcard packaging/*.bash tools/*.sh bench/*.sh bench/lib/*.sh bench/workloads/*.sh) .ci/run
# What others than the owner must write needs sudo, unless it goes to a staging folder.
sudo = $(if $(DESTDIR),,$(if $(filter 0,$(shell id -u)),,sudo))

# $(call cmake,FOLDER,OPTIONS,TARGETS): configures and builds in build/FOLDER.
cmake = cmake -S . -B build/$(1) -G Ninja $(2) --log-level=WARNING >/dev/null && \
	cmake --build build/$(1) -j $(jobs) --target $(3)
debug = -DCMAKE_BUILD_TYPE=Debug -DWALFERRY_FAILPOINTS=ON

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps deps-lint deps-fuzz deps-browser deps-bench deps-versions build install install-program install-plugin deb demo bench \
	bench-copy bench-tables bench-capture check unit regress integration check-versions check-dashboard build-unit \
	build-integration outcomes soak asan tsan fuzz format lint clean

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

deps: ## install what Debian 12 lacks (apt-get, as root or with sudo)
	@tools/deps.sh build

deps-lint: deps
	@tools/deps.sh lint

deps-fuzz: deps
	@tools/deps.sh fuzz

deps-browser: deps
	@tools/deps.sh browser

deps-versions: deps
	@tools/deps.sh versions

deps-bench: deps
	@tools/deps.sh bench

build: deps ## the plugin, and the program: build/release/walferry
	@$(MAKE) -C plugin
	$(call cmake,release,-DCMAKE_BUILD_TYPE=RelWithDebInfo,walferry)

install: build install-plugin install-program ## plugin into the server's folders; program, manual page, completion, service under $(PREFIX)

install-program: build/walferry.1
	$(sudo) install -D -m 755 build/release/walferry $(DESTDIR)$(PREFIX)/bin/walferry
	$(sudo) install -D -m 644 build/walferry.1 $(DESTDIR)$(PREFIX)/share/man/man1/walferry.1
	$(sudo) install -D -m 644 packaging/walferry.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/walferry
	$(sudo) install -d $(DESTDIR)$(PREFIX)/share/doc/walferry
	$(sudo) install -m 644 README.md docs/*.md $(DESTDIR)$(PREFIX)/share/doc/walferry
	sed 's,/usr/bin/walferry,$(PREFIX)/bin/walferry,' packaging/walferry@.service >build/walferry@.service
	$(sudo) install -D -m 644 build/walferry@.service $(DESTDIR)$(PREFIX)/lib/systemd/system/walferry@.service

build/walferry.1: build/release/walferry packaging/man.h2m tools/man.sh
	@tools/man.sh build/release/walferry >$@.new
	@mv $@.new $@

deb: build ## Debian packages of program and plugin, in build/deb
	@tools/deb.sh

install-plugin: deps
	@$(MAKE) -C plugin
	@$(sudo) $(MAKE) -C plugin install

demo: build install-plugin ## two servers, a busy database, kill -9 in the middle, verify
	@tools/demo.sh

bench: build install-plugin ## against native logical replication (WORKLOADS, BENCH_SCALE=0.1, RUNS: see bench/run.sh)
	@cmake -S bench -B build/bench -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo --log-level=WARNING >/dev/null
	@cmake --build build/bench --target all -- --quiet
	@bench/run.sh

bench-copy: build install-plugin deps-bench ## initial copy, against native, pgcopydb, pg_dump (BENCH_SCALE, RUNS: see bench/copy.sh)
	@bench/copy.sh

bench-tables: build install-plugin ## initial copy of 5,000 and of 20,000 small tables, time and memory (see bench/tables.sh)
	@bench/tables.sh

bench-capture: build install-plugin ## what the recording of DDL costs a source in which none runs (see bench/capture.sh)
	@bench/capture.sh

check: install-plugin build-unit build-integration ## unit, regress, integration; ends with the counts
	@tools/check.sh unit regress integration

unit: build-unit ## unit tests (TESTS=pattern for some)
	@tools/check.sh unit

regress: install-plugin ## the plugin's SQL and isolation tests on a throwaway server
	@tools/check.sh regress

integration: install-plugin build-integration ## the whole program on throwaway servers (TESTS=pattern)
	@tools/check.sh integration

check-versions: deps-versions install-plugin build-integration ## the plugin on PostgreSQL 17 and 18; tasks between 15, 17 and 18 (chroots in VERSIONS_DIR)
	@tools/versions.sh

check-dashboard: deps-browser install-plugin build-integration ## the dashboard in a real browser (Debian's chromium)
	@TESTS='Dashboard.*' tools/check.sh integration

outcomes: install-plugin ## PostgreSQL's own regression suite, without and with walferry: the same outcomes
	@tools/outcomes.sh

soak: install-plugin build-integration ## crashes, true prefixes, collisions, big transactions, DDL, verify, at length, SOAK (10) times check's
	@WALFERRY_SOAK=$(SOAK) TESTS='*Crash*:*Prefix*:*Unseen*:Streamed*:BigTransaction*:DdlRandom*:Copy.Memory*:Verify.*' tools/check.sh integration

build-unit: deps
	$(call cmake,test,$(debug),unit_tests)

build-integration: deps
	$(call cmake,test,$(debug),walferry integration_tests)

asan: install-plugin ## unit tests and an integration smoke test under ASan and UBSan
	$(call cmake,asan,$(debug) -DWALFERRY_SANITIZE=address$(comma)undefined -DWALFERRY_WERROR=OFF,\
		unit_tests walferry integration_tests)
	@BUILD_DIR=build/asan tools/check.sh unit
	@BUILD_DIR=build/asan TESTS='*Smoke*' tools/check.sh integration

tsan: deps ## unit tests under ThreadSanitizer
	$(call cmake,tsan,$(debug) -DWALFERRY_SANITIZE=thread -DWALFERRY_WERROR=OFF,unit_tests)
	@BUILD_DIR=build/tsan tools/check.sh unit

fuzz: deps-fuzz ## the parsers under libFuzzer, FUZZ_SECONDS (60) each
	$(call cmake,fuzz,-DCMAKE_CXX_COMPILER=clang++-14 -DWALFERRY_FUZZ=ON -DWALFERRY_WERROR=OFF,all)
	@tools/fuzz.sh build/fuzz $(FUZZ_SECONDS)

format: deps-lint ## lay out the C++ code
	clang-format -i $(cxx_files)

lint: deps-lint ## layout, clang-tidy, cppcheck, shellcheck
	clang-format --dry-run -Werror $(cxx_files)
	cmake -S . -B build/lint -G Ninja $(debug) -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON --log-level=WARNING >/dev/null
	run-clang-tidy -quiet -p build/lint -extra-arg=-Wno-error -extra-arg=-Wno-unknown-warning-option \
		'applier/(src|tests)/'
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c++20 --enable=warning,performance,portability \
		--suppress=missingInclude --suppress=unknownMacro -I applier/src -I plugin \
		$(filter-out %_test.cpp applier/tests/%,$(filter %.cpp,$(cxx_files))) $(filter %.c,$(c_files))
	shellcheck $(shell_files)

clean: ## remove all that was built here
	rm -rf build
	@if command -v $(PG_CONFIG) >/dev/null; then $(MAKE) -C plugin clean; fi

comma := ,
