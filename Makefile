# crm: customer lifetime value, RFM, segments and tiers inside PostgreSQL.
#
#   make                  build                    make install       install
#   make installcheck     regression tests against a running server
#   scripts/test          everything, on a server of its own
#   make WITHOUT_FIT=1    build without NLopt: everything but the model fits

# Where the sources are: here, or where VPATH or -f say; objects go to the folder
# that make runs in.
HERE := $(if $(VPATH),$(VPATH),$(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST)))))

EXTENSION  = crm
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(HERE)/crm.control)

MODULE_big = crm
OBJS       = $(patsubst $(HERE)/%.c,%.o,$(sort $(wildcard $(HERE)/src/*.c $(HERE)/src/*/*.c)))
OUR_HEADERS = $(wildcard $(HERE)/src/*.h $(HERE)/src/*/*.h)

# The install script is its parts in the order of their numbers, and so is the
# script that updates to it from the last release, as long as it is not released.
# Released scripts stand frozen beside them; old install scripts are installed
# too, since a dump is restored into the version that it comes from.
SCRIPT        = crm--$(EXTVERSION).sql
SCRIPT_PARTS  = $(sort $(wildcard $(HERE)/src/sql/[0-9][0-9]_*/*.sql))
UPDATE_FOLDER = $(wildcard $(HERE)/src/sql/updates/crm--*--$(EXTVERSION))
UPDATE        = $(UPDATE_FOLDER:$(HERE)/src/sql/updates/%=%.sql)
UPDATE_PARTS  = $(sort $(wildcard $(UPDATE_FOLDER:%=%/*.sql)))
JOIN          = $(HERE)/src/sql/join.awk $(sort $(wildcard $(HERE)/src/sql/*.sql.in))
DATA          = $(patsubst $(HERE)/%,%,$(wildcard $(HERE)/src/sql/released/crm--*.sql $(HERE)/src/sql/updates/crm--*.sql))
DATA_built    = $(SCRIPT) $(UPDATE)
DOCS          = README.md $(patsubst $(HERE)/%,%,$(wildcard $(HERE)/docs/*.md))

REGRESS        = $(patsubst $(HERE)/sql/%.sql,%,$(sort $(wildcard $(HERE)/sql/*.sql)))
REGRESS_OPTS   = --inputdir=$(HERE) --load-extension=crm
ISOLATION      = $(patsubst $(HERE)/test/specs/%.spec,%,$(sort $(wildcard $(HERE)/test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=$(HERE)/test --load-extension=crm

PG_CONFIG ?= pg_config

# A server header is a system header here: its warnings are not ours.
PG_CPPFLAGS = -isystem "$(shell "$(PG_CONFIG)" --includedir-server)" -I$(HERE)/src
# Fused multiply-add would give other last bits on other machines.
PG_CFLAGS   = -Wall -Wextra -Werror=implicit-function-declaration -ffp-contract=off

# Fits stand on NLopt; everything else builds without it.
ifdef WITHOUT_FIT
PG_CPPFLAGS += -DWITHOUT_FIT
OBJS := $(filter-out src/models/fit.o src/models/fit_covariates.o src/models/fit_spend.o src/models/fit_rows.o src/models/search.o,$(OBJS))
else
SHLIB_LINK += -lnlopt
endif

UNIT_TESTS = $(patsubst $(HERE)/test/unit/test_%.c,%,$(wildcard $(HERE)/test/unit/test_*.c))

EXTRA_CLEAN = $(SCRIPT) $(UPDATE) build

PGXS := $(shell "$(PG_CONFIG)" --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error PG_CONFIG=$(PG_CONFIG) is no pg_config of a PostgreSQL with its server headers; on Debian or Ubuntu: apt-get install postgresql-server-dev-all)
endif
include $(PGXS)

# The pages in a folder of their own: their names are not only ours.
docmoduledir = extension/crm

# PGXS installs the pages without their folders, and looks for them with these.
uninstall: uninstall-pages
.PHONY: uninstall-pages
uninstall-pages:
	rm -f $(addprefix '$(DESTDIR)$(docdir)/$(docmoduledir)'/, $(notdir $(DOCS)))
	if [ -d '$(DESTDIR)$(docdir)/$(docmoduledir)' ]; then rmdir '$(DESTDIR)$(docdir)/$(docmoduledir)'; fi

# Not by a rule: make would find the folders of the sources through VPATH.
$(shell mkdir -p $(sort $(dir $(OBJS))))

$(OBJS): $(OUR_HEADERS)
$(OBJS:.o=.bc): $(OUR_HEADERS)

$(SCRIPT): $(JOIN) $(SCRIPT_PARTS) $(HERE)/crm.control
	{ printf '%s\n\n' '\echo Use "CREATE EXTENSION crm" to load this file. \quit'; awk -f $(JOIN) $(SCRIPT_PARTS); } > $@.tmp
	mv $@.tmp $@

ifneq ($(UPDATE),)
$(UPDATE): $(JOIN) $(SCRIPT_PARTS) $(UPDATE_PARTS)
	{ printf '%s\n\n' '\echo Use "ALTER EXTENSION crm UPDATE" to load this file. \quit'; awk -f $(JOIN) mode=again $(SCRIPT_PARTS) mode=join $(UPDATE_PARTS); } > $@.tmp
	mv $@.tmp $@
endif

# Plain C without PostgreSQL, against tables of 20 digits and random input; prints TAP.
FIT_SOURCES = src/models/fit.c src/models/fit_covariates.c src/models/fit_spend.c src/models/fit_rows.c src/models/search.c
UNIT_SOURCES = $(wildcard src/math/*.c) $(filter-out $(FIT_SOURCES),$(wildcard src/models/*.c))

build/%: test/unit/%.c test/unit/tap.h $(UNIT_SOURCES) $(OUR_HEADERS)
	mkdir -p build
	$(CC) -std=gnu99 -O2 -Wall -Wextra -ffp-contract=off -Isrc -Itest/unit $< $(UNIT_SOURCES) -lm -o $@

UNIT_DATA_special = test/data/special_reference.csv
UNIT_DATA_models = test/data/btyd_reference.csv test/data/beta_geometric_reference.csv test/data/limits_reference.csv
UNIT_DATA_contracts = test/data/contract_reference.csv
UNIT_DATA_occasions = test/data/bg_bb_reference.csv

# What the models cost without a database; see the head of the file.
build/models_loop: bench/models_loop.c $(FIT_SOURCES) $(UNIT_SOURCES) $(OUR_HEADERS)
	mkdir -p build
	$(CC) -std=gnu99 -O2 -Wall -Wextra -ffp-contract=off -Isrc $< $(FIT_SOURCES) $(UNIT_SOURCES) -lnlopt -lm -o $@

# Whether seasons and coefficients that are known are found again; see the heads of the files.
build/%_recovery: bench/%_recovery.c bench/recovery.h $(FIT_SOURCES) $(UNIT_SOURCES) $(OUR_HEADERS)
	mkdir -p build
	$(CC) -std=gnu99 -O2 -Wall -Wextra -ffp-contract=off -Isrc $< $(FIT_SOURCES) $(UNIT_SOURCES) -lnlopt -lm -o $@

.PHONY: unit
unit: $(UNIT_TESTS:%=unit-%)
unit-%: build/test_%
	$< $(UNIT_DATA_$*)

# What PGXN takes; of what is committed.
.PHONY: dist
dist:
	git archive --format zip --prefix=crm-$(EXTVERSION)/ -o crm-$(EXTVERSION).zip HEAD

.PHONY: format
format:
	scripts/format
