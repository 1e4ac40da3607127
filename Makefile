# teectl. `make` builds, `make demo` shows, `make test` tests; `make help` lists the rest.
#
# Sources are found by wildcard; what is linked where follows the folders (ARCHITECTURE.md).

VERSION := $(shell cat VERSION)
BUILD   ?= build
ifeq ($(origin CC),default)
CC       = gcc
endif
# V=1 shows the commands.
Q = $(if $(V),,@)
PREFIX  ?= /usr/local
DESTDIR ?=

# All cores, unless told otherwise.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

# A part of the library alone can be built and tested: make unit LAYERS="base crypto"
LAYERS  ?= base crypto attest proto client cluster orchestrate
# Programs whose parts have unit tests of their own: the stubs stand on proto, teectl on it all.
STUBS   ?= $(if $(filter proto,$(LAYERS)),hv enclave) $(if $(filter orchestrate,$(LAYERS)),cmd)

PACKAGES := libcurl json-c libcrypto yaml-0.1 libcbor

WARNINGS := -Wall -Wextra -Wshadow -Wvla -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wformat=2 -Werror
HARDENED := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIC
CPPFLAGS += -D_GNU_SOURCE -DTEECTL_VERSION='"$(VERSION)"' -Ilib -Ienclave-stub
CFLAGS   ?= -O2 -g
ALL_CFLAGS  = -std=gnu17 $(WARNINGS) $(HARDENED) $(CFLAGS) $(SANITIZE)
ALL_LDFLAGS = -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(LDFLAGS) $(SANITIZE)
# _FORTIFY_SOURCE needs optimisation and gets in the way of AddressSanitizer.
ifeq ($(SANITIZE),)
CPPFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
WIPE_FREE = $(BUILD)/lib/base/wipe_free.o
endif

LIB_SOURCES  := $(filter-out lib/base/wipe_free.c,$(wildcard $(LAYERS:%=lib/%/*.c)))
LIB_OBJECTS  := $(LIB_SOURCES:%.c=$(BUILD)/%.o)
CMD_OBJECTS  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard cmd/*.c))
ENCLAVE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard enclave-stub/enclave/*.c))
HV_OBJECTS   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard enclave-stub/hv/*.c))
UNIT_TESTS   := $(foreach layer,$(LAYERS) $(STUBS),$(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/$(layer)_*.c)))

# What the end-to-end tests use beside the programs.
TEST_PROGRAMS := $(BUILD)/libteectl.a $(BUILD)/example $(BUILD)/every_call $(BUILD)/probe $(BUILD)/forge $(BUILD)/faulty_nsm $(BUILD)/needles $(BUILD)/record $(BUILD)/mitm $(BUILD)/faulty $(BUILD)/yaml_json

LIBS := $$(pkg-config --libs $(PACKAGES)) -lpthread

# What it needs is there before anything is compiled: each goal for people asks first, then makes.
build: deps-build
	@$(MAKE) --no-print-directory all

all: $(BUILD)/teectl $(BUILD)/teectl-enclave $(BUILD)/teectl-hv

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Everything of lib/, with its internal symbols: for our own programs and tests.
$(BUILD)/libinternal.a: $(LIB_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/teectl: $(CMD_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a
	$(Q)$(CC) $(ALL_LDFLAGS) -pie $(CMD_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a $(LIBS) -lmicrohttpd -o $@

$(BUILD)/teectl-enclave: $(ENCLAVE_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a
	$(Q)$(CC) $(ALL_LDFLAGS) -pie $(ENCLAVE_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a $(LIBS) -lmicrohttpd -lgnutls -o $@

$(BUILD)/teectl-hv: $(HV_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a
	$(Q)$(CC) $(ALL_LDFLAGS) -pie $(HV_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a $(LIBS) -o $@

# The enclave without its HTTP: what its unit tests link, beside the hypervisor's NSM.
$(BUILD)/libenclave.a: $(filter-out %/main.o %/http.o %/http_peer.o,$(ENCLAVE_OBJECTS)) \
		$(BUILD)/enclave-stub/hv/machine.o $(BUILD)/enclave-stub/hv/pki.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/unit/enclave_%: UNIT_PARTS = tests/unit/fake_enclave.c $(BUILD)/libenclave.a
$(patsubst %,$(BUILD)/unit/%,$(notdir $(basename $(wildcard tests/unit/enclave_*.c)))): \
	$(BUILD)/libenclave.a tests/unit/fake_enclave.c

# And with it: what its own unit tests link beside that.
HTTP_PARTS   := $(BUILD)/enclave-stub/enclave/http.o $(BUILD)/enclave-stub/enclave/http_peer.o
HTTP_UNITS   := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/enclave_http*.c))
$(HTTP_UNITS): UNIT_PARTS = $(HTTP_PARTS) tests/unit/fake_enclave.c $(BUILD)/libenclave.a -lmicrohttpd -lgnutls
$(HTTP_UNITS): $(HTTP_PARTS)

# teectl without its main(): what the unit tests of its parts take from.
$(BUILD)/libcmd.a: $(filter-out %/main.o,$(CMD_OBJECTS))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/unit/cmd_%: UNIT_PARTS = $(BUILD)/libcmd.a -lmicrohttpd
$(patsubst %,$(BUILD)/unit/%,$(notdir $(basename $(wildcard tests/unit/cmd_*.c)))): $(BUILD)/libcmd.a

# A unit test may link one part of a program beside the library: its own first lines say so, as
#   /* link: enclave-stub/enclave/phase.c */
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libinternal.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests/unit -I. -DVECTORS='"$(CURDIR)/tests/vectors"' $(ALL_CFLAGS) -MMD -MP $< \
		$$(sed -n 's,^/\* link: \(.*\) \*/$$,\1,p' $<) $(UNIT_PARTS) $(BUILD)/libinternal.a $(ALL_LDFLAGS) $(LIBS) -lcmocka -o $@

# Of several sources in one call -MMD leaves the last one's list alone: those that link a part are made again
# with it, and with any header beside such a part. Each is TEST:PART.
UNIT_LINKS := $(shell grep -o '^/\* link: [^ ]*\.c' tests/unit/*.c | sed 's,^tests/unit/\(.*\)\.c:/\* link: ,\1:,')
$(foreach l,$(UNIT_LINKS),$(eval $(BUILD)/unit/$(subst :,: ,$l) $(wildcard cmd/*.h enclave-stub/*/*.h tests/unit/*.h)))

unit: $(UNIT_TESTS)
	@tests/run $^

# --- libteectl: one public header; nothing but its functions is visible.

$(BUILD)/libteectl.so: $(LIB_OBJECTS) lib/libteectl.map
	$(Q)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,libteectl.so.0 -Wl,--version-script=lib/libteectl.map \
		$(LIB_OBJECTS) $(LIBS) -o $@

$(BUILD)/libteectl.a: $(LIB_OBJECTS)
	$(Q)$(LD) -r $(LIB_OBJECTS) -o $(BUILD)/libteectl.o
	$(Q)objcopy --wildcard --keep-global-symbol='teectl_*' $(BUILD)/libteectl.o
	@rm -f $@
	$(Q)$(AR) rcs $@ $(BUILD)/libteectl.o

# Always anew: PREFIX may be another than the last time.
$(BUILD)/teectl.pc: lib/teectl.pc.in VERSION always
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@PACKAGES@|$(PACKAGES)|' $< > $@

$(BUILD)/example $(BUILD)/every_call: $(BUILD)/%: tests/%.c $(BUILD)/libteectl.so $(BUILD)/libteectl.so.0 lib/teectl.h
	$(Q)$(CC) -std=gnu17 $(WARNINGS) -Ilib $< -L$(BUILD) -lteectl -Wl,-rpath,'$$ORIGIN' $(SANITIZE) -o $@

# An image for the hypervisor that tells what it sees, and what tests have in hand beside curl.
$(BUILD)/faulty_nsm: TEST_PARTS = $(BUILD)/enclave-stub/hv/machine.o $(BUILD)/enclave-stub/hv/pki.o
$(BUILD)/faulty_nsm: $(BUILD)/enclave-stub/hv/machine.o $(BUILD)/enclave-stub/hv/pki.o
$(BUILD)/mitm: TEST_PARTS = $(BUILD)/enclave-stub/hv/pki.o
$(BUILD)/mitm: $(BUILD)/enclave-stub/hv/pki.o
$(BUILD)/probe $(BUILD)/forge $(BUILD)/faulty_nsm $(BUILD)/needles $(BUILD)/record $(BUILD)/mitm $(BUILD)/faulty $(BUILD)/yaml_json: $(BUILD)/%: tests/%.c $(BUILD)/libinternal.a
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP $< $(TEST_PARTS) $(BUILD)/libinternal.a $(ALL_LDFLAGS) $(LIBS) -o $@

$(BUILD)/libteectl.so.0:
	@mkdir -p $(@D)
	@ln -sf libteectl.so $@

# --- for people

deps-%:
	@.ci/deps $(subst -, ,$*)
deps: deps-build

demo: deps-build
	@$(MAKE) --no-print-directory all
	@TEECTL_BUILD=$(BUILD) tests/demo

# BATS="tests/hv.bats tests/contract.bats": only those of the end-to-end tests.
BATS ?= $(wildcard tests/*.bats)
test: deps-build-test
	@$(MAKE) --no-print-directory test-programs
	@TEECTL_BUILD=$(BUILD) tests/run $(UNIT_TESTS) $(BATS)

# The same as tests/chaos.bats in full: each seed is another network and other deaths.
SEEDS ?= 10
chaos: deps-build-test
	@$(MAKE) --no-print-directory all $(BUILD)/faulty
	@CHAOS_SEEDS=$(SEEDS) CHAOS_NODES=30 CHAOS_ROUNDS=6 TEECTL_BUILD=$(BUILD) tests/run tests/chaos.bats

test-programs: all $(UNIT_TESTS) $(TEST_PROGRAMS) $(BUILD)/bench-hop

# The same tests of the same code, built with AddressSanitizer and UBSan, by clang unless told otherwise.
# The fuzzers stand on the same objects: what clang builds counts the branches taken, for them.
SANITIZED_BY ?= clang
SANITIZERS = address,undefined$(if $(filter clang,$(SANITIZED_BY)),$(comma)fuzzer-no-link)
comma := ,
test-sanitized: deps-build-test-check
	@$(MAKE) --no-print-directory CC=$(SANITIZED_BY) SANITIZE="-fsanitize=$(SANITIZERS) -fno-sanitize-recover=all" \
		CFLAGS="-O1 -g" BUILD=$(BUILD)-asan-$(SANITIZED_BY) test

# Functions that no test calls. Counted from a fresh start: what earlier runs called is forgotten.
coverage: deps-build-test
	@find $(BUILD)-coverage -name '*.gcda' -delete 2>/dev/null || true
	-@$(MAKE) --no-print-directory CC=gcc CFLAGS="-O1 -g --coverage -fprofile-update=atomic" LDFLAGS=--coverage \
		BUILD=$(BUILD)-coverage test
	@tests/coverage $(BUILD)-coverage

# What a change is held against before it is sent: both compilers with sanitizers, without, valgrind; lint
# is among the tests. One after the other: each takes all cores.
check: deps-build-test-check
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory test-sanitized
	@$(MAKE) --no-print-directory test-sanitized SANITIZED_BY=gcc
	@$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)-clang test-programs
	@$(MAKE) --no-print-directory valgrind

valgrind: deps-build-test-check
	@$(MAKE) --no-print-directory CFLAGS="-O1 -g -DUNDER_VALGRIND" WIPE_FREE= BUILD=$(BUILD)-valgrind unit-programs
	@printf '%s\n' $(UNIT_TESTS:$(BUILD)/%=$(BUILD)-valgrind/%) | xargs -P $$(nproc) -I T sh -c \
		'valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite T >T.out 2>T.log || \
		{ echo T; cat T.log; exit 1; }' && echo "valgrind: nothing"

unit-programs: $(UNIT_TESTS)

SECONDS ?= 30
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))

fuzz: SANITIZED_BY = clang
fuzz: deps-build-test-check
	@$(MAKE) --no-print-directory CC=clang SANITIZE="-fsanitize=$(SANITIZERS) -fno-sanitize-recover=all" \
		CFLAGS="-O1 -g" BUILD=$(BUILD)-asan-clang fuzz-programs
	@tests/fuzz/run $(BUILD)-asan-clang $(SECONDS) $(FUZZERS)

fuzz-programs: $(FUZZERS:%=$(BUILD)/fuzz/%)

$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libinternal.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Ienclave-stub -I. $(ALL_CFLAGS) -fsanitize=fuzzer $< \
		$$(sed -n 's,^/\* link: \(.*\) \*/$$,\1,p' $<) $(BUILD)/libinternal.a $(ALL_LDFLAGS) $(LIBS) -o $@

# Completions and manual pages as the tables have them; tests/docs.bats holds the committed ones to it.
docs: $(BUILD)/teectl
	@mkdir -p completions man
	$(Q)$< completion bash > completions/teectl.bash
	$(Q)$< completion zsh > completions/_teectl
	$(Q)$< completion fish > completions/teectl.fish
	@rm -f man/*.1 man/*.5 man/*.8
	$(Q)for page in $$($< help --pages); do $< help --man $$page > man/$$page || exit 1; done

$(BUILD)/bench-hop: tests/bench/hop.c $(BUILD)/libinternal.a
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $< $(BUILD)/libinternal.a $(ALL_LDFLAGS) $(LIBS) -o $@

# Ratios in one run on one machine; no test depends on them.
bench: deps-build-test
	@$(MAKE) --no-print-directory all $(BUILD)/bench-hop $(BUILD)/record $(BUILD)/faulty
	@TEECTL_BUILD=$(BUILD) tests/bench/run
	@TEECTL_BUILD=$(BUILD) tests/bench/many

install: deps-build
	@$(MAKE) --no-print-directory install-built

install-built: all $(BUILD)/libteectl.so $(BUILD)/libteectl.a $(BUILD)/teectl.pc
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin lib/pkgconfig include/teectl share/teectl share/bash-completion/completions \
		share/zsh/site-functions share/fish/vendor_completions.d share/man/man1 share/man/man5 share/man/man8)
	install $(BUILD)/teectl $(BUILD)/teectl-enclave $(BUILD)/teectl-hv $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BUILD)/libteectl.a $(DESTDIR)$(PREFIX)/lib
	install $(BUILD)/libteectl.so $(DESTDIR)$(PREFIX)/lib/libteectl.so.0
	ln -sf libteectl.so.0 $(DESTDIR)$(PREFIX)/lib/libteectl.so
	install -m 644 $(BUILD)/teectl.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 lib/teectl.h $(DESTDIR)$(PREFIX)/include/teectl
	install -m 644 configs/alerts.yaml $(DESTDIR)$(PREFIX)/share/teectl
	install -m 644 completions/teectl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/teectl
	install -m 644 completions/_teectl $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 644 completions/teectl.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	for n in 1 5 8; do install -m 644 man/*.$$n $(DESTDIR)$(PREFIX)/share/man/man$$n; done

clean:
	rm -rf $(BUILD) $(BUILD)-asan-* $(BUILD)-clang $(BUILD)-coverage $(BUILD)-valgrind

help:
	@echo 'make            build into $(BUILD)/'
	@echo 'make demo       install what is missing, build, and show the whole thing'
	@echo 'make test       unit and end-to-end tests'
	@echo 'make check      the same under both compilers, sanitizers and valgrind'
	@echo 'make coverage   functions that no test calls'
	@echo 'make fuzz SECONDS=30, make bench, make docs, make install DESTDIR= PREFIX=, make clean'

.PHONY: build install-built all always docs unit unit-programs deps demo test test-programs test-sanitized coverage chaos check valgrind fuzz fuzz-programs \
        bench install clean help
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
