# maplab. `make help` lists the targets. Everything that is built goes to build/.
#
# Nothing here names a lab or a source file: each labs/*/exam.c and grader/FOLDER/*.c is found, and
# each folder of grader/tests is one test program. Adding a file edits nothing.

BUILD   ?= build
CC       = cc
VERSION := 0.1

# A warning that only a newer compiler gives shall not keep a student from the labs.
WERROR  := $(if $(filter run,$(MAKECMDGOALS)),,-Werror)
CFLAGS   = -std=gnu17 -O2 -g -Wall -Wextra -pthread $(SANITIZE:%=-fsanitize=%)
LDFLAGS  = -pthread $(SANITIZE:%=-fsanitize=%)
# An empty _GNU_SOURCE, so that a source file may define it once more.
CPPFLAGS = -D_GNU_SOURCE= -Igrader -Icommon -MMD -MP

# Asked each time (not :=), because `make deps run` starts before the libraries are there.
LIBS        = ncursesw libseccomp libdw jansson sqlite3
LIBS_CFLAGS = $(shell pkg-config --cflags $(LIBS) check)
LDLIBS      = $(shell pkg-config --libs $(LIBS)) -lm

# Objects are built by all the processors; what has an order says so.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --no-builtin-rules -j$(shell nproc)
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# Sources ------------------------------------------------------------------------------------

# LABS=01-map-file builds with the exams of that lab alone.
LABS    ?= *
TESTS   := $(notdir $(patsubst %/,%,$(wildcard grader/tests/*/)))
SOURCES := $(filter-out grader/tests/%,$(wildcard grader/*.c grader/*/*.c)) $(wildcard labs/$(LABS)/exam.c)
TEST_SOURCES := $(wildcard grader/tests/*/*.c)
STUDENT_SOURCES := $(filter-out %/exam.c,$(wildcard labs/*/*.c solutions/*/*.c))

object     = $(1:%.c=$(BUILD)/%.o)
OBJECTS   := $(call object,$(SOURCES))
LIBRARY   := $(filter-out $(BUILD)/grader/main.o,$(OBJECTS))
TEST_OBJECTS := $(call object,$(TEST_SOURCES))

# Programs -----------------------------------------------------------------------------------

.PHONY: all objects skeletons
all: $(BUILD)/maplab
objects: $(OBJECTS) $(TEST_OBJECTS)

$(BUILD)/maplab: $(OBJECTS) $(BUILD)/objects | skeletons
	@echo "  link     $@"
	@$(CC) $(LDFLAGS) $(OBJECTS) $(LDLIBS) -o $@

# A file that is gone leaves no trace in the times of those that stay: their list does.
$(BUILD)/objects: FORCE
	@mkdir -p $(@D)
	@echo '$(OBJECTS)' | cmp -s - $@ || echo '$(OBJECTS)' > $@

$(OBJECTS) $(TEST_OBJECTS): $(BUILD)/%.o: %.c $(BUILD)/flags | $(filter deps,$(MAKECMDGOALS))
	@mkdir -p $(@D)
	@echo "  compile  $<"
	@$(CC) $(CPPFLAGS) $(DEFINES) $(LIBS_CFLAGS) $(CFLAGS) $(WERROR) -c $< -o $@

skeletons:
	@grader/skeletons.sh build/skeletons

# Where the project is, and its version: for grader/cmd alone.
$(BUILD)/grader/cmd/%.o: DEFINES = -DMAPLAB_ROOT='"$(CURDIR)"'
$(BUILD)/grader/report/%.o: DEFINES = -DMAPLAB_VERSION='"$(VERSION)"'

# The unit tests: test_NAME.c brings NAME_suite.
SUITES := $(patsubst grader/tests/unit/test_%.c,SUITE(%),$(sort $(wildcard grader/tests/unit/test_*.c)))
$(BUILD)/grader/tests/unit/%.o: DEFINES = -D'SUITES=$(SUITES)'
$(call object,$(wildcard grader/tests/unit/*.c)): $(BUILD)/suites
$(BUILD)/suites: FORCE
	@mkdir -p $(@D)
	@echo '$(SUITES)' | cmp -s - $@ || echo '$(SUITES)' > $@

# Other flags, or the project in another place: everything is compiled again.
FLAGS_NOW = $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(VERSION) $(CURDIR)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS_NOW)' | cmp -s - $@ || echo '$(FLAGS_NOW)' > $@
.PHONY: FORCE

-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d)

# One test program a folder of grader/tests, against all of the grader but its main(). The unit
# tests take from an archive what they use, and no lab; the others want all labs registered.
$(BUILD)/library.a: $(filter-out $(BUILD)/labs/%,$(LIBRARY))
	@rm -f $@
	@ar rcs $@ $^

define test_program
$(BUILD)/tests/$(1): $$(call object,$$(wildcard grader/tests/$(1)/*.c)) \
  $(if $(filter unit,$(1)),$$(BUILD)/library.a,$$(LIBRARY))
	@mkdir -p $$(@D)
	@echo "  link     $$@"
	@$$(CC) $$(LDFLAGS) $$^ $$(LDLIBS) $$(shell pkg-config --libs check) -o $$@
endef
$(foreach t,$(TESTS),$(eval $(call test_program,$(t))))

# Targets ------------------------------------------------------------------------------------

.PHONY: run deps test bench clean help

run: $(BUILD)/maplab
	@$(BUILD)/maplab

# `make deps run` fetches what a student needs; the tests want more tools.
deps:
	@grader/deps/deps.sh $(if $(filter run,$(MAKECMDGOALS)),run,all)

# Each part is a target that can be run alone and ends with the closing line of Check.
PARTS := unit layers format snippets cppcheck clang aarch64 sanitize labs hostile cli ui
.PHONY: $(PARTS)

test: | $(filter deps,$(MAKECMDGOALS))
	+@MAKE='$(MAKE)' grader/tests/all.sh $(BUILD)/log $(PARTS)

# Parts that are Check programs. A folder that is not there yet has nothing to say. Some drive the
# binary from outside.
# A busy machine is no failure: Check's time-outs are for what hangs.
export CK_TIMEOUT_MULTIPLIER ?= 10
CHECK_PARTS := unit layers snippets labs hostile cli ui
labs hostile cli ui: $(BUILD)/maplab
define check_part
$(1): $(if $(wildcard grader/tests/$(1)/*.c),$(BUILD)/tests/$(1))
	@$(if $(wildcard grader/tests/$(1)/*.c),MAPLAB=$(BUILD)/maplab $(BUILD)/tests/$(1),\
	  echo "100%: Checks: 0, Failures: 0, Errors: 0")
endef
$(foreach p,$(CHECK_PARTS),$(eval $(call check_part,$(p))))

# Parts that are tools: one check a file, through grader/tests/tool.sh.
TOOL := grader/tests/tool.sh
C_FILES = $(SOURCES) $(TEST_SOURCES) $(wildcard grader/*/*.h common/*.h) $(STUDENT_SOURCES) \
	  $(wildcard solutions/*/*/*.c)

# Each version of clang-format has its own taste; the code has that of version 14.
format: | $(filter deps,$(MAKECMDGOALS))
	@WANTED=14 $(TOOL) clang-format "make clang-format --dry-run --Werror $(C_FILES)" $(C_FILES)

cppcheck: | $(filter deps,$(MAKECMDGOALS))
	@mkdir -p $(BUILD)/cppcheck
	@$(TOOL) cppcheck "-q --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --error-exitcode=1 --cppcheck-build-dir=$(BUILD)/cppcheck --suppressions-list=grader/tests/cppcheck.txt \
	  --library=grader/tests/cppcheck.cfg \
	  -D__x86_64__ -D_GNU_SOURCE -DSUITES= -DMAPLAB_ROOT=\"\" -DMAPLAB_VERSION=\"\" -Igrader -Icommon" \
	  $(SOURCES) $(TEST_SOURCES)

clang: | $(filter deps,$(MAKECMDGOALS))
	+@$(TOOL) clang "make $(MAKE) -k BUILD=$(BUILD)/clang CC=clang objects" $(SOURCES) $(TEST_SOURCES)

aarch64: | $(filter deps,$(MAKECMDGOALS))
	+@$(TOOL) aarch64-linux-gnu-gcc "make $(MAKE) -k BUILD=$(BUILD)/aarch64 \
	  CC=aarch64-linux-gnu-gcc objects" $(SOURCES) $(TEST_SOURCES)

# The unit tests once more, under AddressSanitizer and UndefinedBehaviorSanitizer.
sanitize: | $(filter deps,$(MAKECMDGOALS))
	+@ASAN_OPTIONS=detect_leaks=0 $(MAKE) -s BUILD=$(BUILD)/sanitize SANITIZE=address,undefined unit

bench: $(BUILD)/maplab
	@grader/tests/bench.sh $(BUILD)/maplab

# The kept skeletons stay: without git they are the only ones.
clean:
	@mkdir -p $(BUILD)
	find $(BUILD) -mindepth 1 -maxdepth 1 ! -name skeletons -exec rm -rf {} +

help:
	@echo "make deps        installs what is missing (apt or dnf; sudo only when needed)"
	@echo "make             builds build/maplab"
	@echo "make run         builds it and opens the dashboard"
	@echo "make test        all tests, under ten minutes; ends with one summary"
	@echo "make PART        one part of them: $(PARTS)"
	@echo "make bench       seconds of grading a lab against those of compiling it"
	@echo "make clean       removes build/"
