# The work is done by deploy/*.sh; each target is one of them.
.PHONY: help build demo up down test extension model chaos sanitize fuzz bench-forward bench-train bench-decode bench-clip bench-queue bench-gateway clean

help:
	@echo "make build  install what is missing and build everything in release"
	@echo "make demo   judge two sample clips on a whole system, then stop it (a terminal keeps it until Ctrl-C)"
	@echo "make up     start the whole system in the background; settings in .whorl/env"
	@echo "make down   stop it"
	@echo "make test   run every suite; the last line is: N passed, N failed"
	@echo "make extension  pack the browser extension: .whorl/whorl-extension-VERSION.zip"
	@echo "make model  check the job's protocol with Spin; three minutes; options as ARGS=\"--quick\""
	@echo "make chaos  break the running pair in every way of docs/reliability.md; options as ARGS=\"--faults 1,4 --seed 7\""
	@echo "make sanitize  run the leaf modules' suites under AddressSanitizer and ThreadSanitizer; takes a quarter of an hour"
	@echo "make fuzz   sample 20,000 damaged clips and feed our parsers under libFuzzer; options as ARGS=\"--files 2000\""
	@echo "make bench-forward  measure the forward pass against its peers; options as ARGS=\"--quick\""
	@echo "make bench-train  measure a step of training against PyTorch; options as above"
	@echo "make bench-decode  measure the decoding of clips against its peers; options as above"
	@echo "make bench-clip  measure a clip's whole way to its verdict against Python workers; options as above"
	@echo "make bench-queue  measure the job queue against Celery and RQ; options as above"
	@echo "make bench-gateway  measure the gateway against FastAPI and nginx; options as above"
	@echo "make clean  stop it and delete what was built and stored"

build:
	deploy/install.sh build
	swift build -c release

demo: build
	deploy/install.sh run
	deploy/demo.sh

up: build
	deploy/install.sh run
	deploy/up.sh

down:
	deploy/down.sh

test:
	deploy/install.sh build
	deploy/install.sh run
	deploy/install.sh test
	deploy/test.sh

extension:
	deploy/extension.sh

model:
	deploy/model.sh $(ARGS)

chaos:
	deploy/install.sh build
	deploy/install.sh run
	deploy/install.sh test
	deploy/chaos.sh $(ARGS)

sanitize:
	deploy/install.sh build
	deploy/install.sh test
	deploy/sanitize.sh $(ARGS)

fuzz:
	deploy/install.sh build
	deploy/install.sh test
	deploy/fuzz.sh $(ARGS)

bench-forward bench-train bench-decode bench-clip:
	deploy/install.sh build
	deploy/install.sh bench
	deploy/bench.sh $(@:bench-%=%) $(ARGS)

bench-queue bench-gateway:
	deploy/install.sh build
	deploy/install.sh run
	deploy/install.sh bench
	deploy/bench.sh $(@:bench-%=%) $(ARGS)

clean: down
	deploy/servers.sh remove .whorl/servers
	deploy/servers.sh remove .whorl/test
	deploy/servers.sh remove .whorl/bench
	rm -rf .whorl .build .build-sanitize .build-fuzz
