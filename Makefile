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

# A part of the library alone can be built and tested: make unit LAYERS="base crypto"
LAYERS  ?= base crypto attest proto client cluster orchestrate
# Programs whose parts have unit tests of their own; they stand on proto.
STUBS   ?= $(if $(filter proto,$(LAYERS)),hv enclave)

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

LIBS := $$(pkg-config --libs $(PACKAGES)) -lpthread

all: $(BUILD)/teectl $(BUILD)/teectl-enclave $(BUILD)/teectl-hv

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Everything of lib/, with its internal symbols: for our own programs and tests.
$(BUILD)/libinternal.a: $(LIB_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/teectl: $(CMD_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a
	$(Q)$(CC) $(ALL_LDFLAGS) -pie $(CMD_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a $(LIBS) -o $@

$(BUILD)/teectl-enclave: $(ENCLAVE_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a
	$(Q)$(CC) $(ALL_LDFLAGS) -pie $(ENCLAVE_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a $(LIBS) -lmicrohttpd -lgnutls -o $@

$(BUILD)/teectl-hv: $(HV_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a
	$(Q)$(CC) $(ALL_LDFLAGS) -pie $(HV_OBJECTS) $(WIPE_FREE) $(BUILD)/libinternal.a $(LIBS) -o $@

# A unit test may link one part of a program beside the library: its own first lines say so, as
#   /* link: enclave-stub/enclave/phase.c */
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libinternal.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests/unit -I. -DVECTORS='"$(CURDIR)/tests/vectors"' $(ALL_CFLAGS) -MMD -MP $< \
		$$(sed -n 's,^/\* link: \(.*\) \*/$$,\1,p' $<) $(BUILD)/libinternal.a $(ALL_LDFLAGS) $(LIBS) -lcmocka -o $@

unit: $(UNIT_TESTS)
	@for t in $^; do $$t || exit 1; done

clean:
	rm -rf $(BUILD)

.PHONY: all unit clean
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
