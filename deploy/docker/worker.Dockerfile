# The worker with its decoder, and the command line (whorl migrate, whorl model …), which needs the same libraries.
# Build from the root of the project: docker build -f deploy/docker/worker.Dockerfile .

FROM swift:6.2-bookworm AS build
# The image's distribution pins the versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libavcodec-dev libavformat-dev libavutil-dev libhiredis-dev \
        libopenblas-dev libopenblas-pthread-dev libpq-dev libseccomp-dev libswscale-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# Dependencies change less often than sources, so they have a layer of their own.
COPY Package.swift Package.resolved* ./
RUN swift package resolve
COPY Sources Sources
COPY Tests Tests
RUN for product in whorl whorl-worker whorl-decoder; do \
        swift build -c release --static-swift-stdlib --product "$product" \
        && install -D -t /out "$(swift build -c release --static-swift-stdlib --show-bin-path)/$product" \
        || exit 1; \
    done \
    && cp -r "$(swift build -c release --static-swift-stdlib --show-bin-path)/whorl_Detector.resources" /out/

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libavcodec59 libavformat59 libavutil57 \
        libhiredis0.14 libopenblas0-pthread libpq5 libseccomp2 libswscale6 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 whorl \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin whorl \
    && install -d -o whorl -g whorl -m 750 /var/lib/whorl/uploads
# The worker starts the whorl-decoder that lies beside it, and finds the face detector's weights there.
COPY --from=build /out/ /usr/local/bin/
COPY migrations /opt/whorl/migrations
# The model that comes with the program, where it looks for it.
COPY models /usr/local/share/whorl/models
# whorl migrate reads migrations/ in the working directory.
WORKDIR /opt/whorl
ENV WHORL_UPLOADS_DIRECTORY=/var/lib/whorl/uploads \
    WHORL_WORKER_ALIVE_FILE=/tmp/whorl-alive
USER 10001
VOLUME ["/var/lib/whorl/uploads"]
# The worker touches the file with every heartbeat that PostgreSQL heard, every 10 seconds by default.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["sh", "-c", "test -n \"$(find \"$WHORL_WORKER_ALIVE_FILE\" -newermt '-45 seconds')\""]
ENTRYPOINT ["whorl-worker"]
