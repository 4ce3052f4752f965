# The gateway: HTTP in front of PostgreSQL, Redis and the uploads. It holds no model and no codec.
# Build from the root of the project: docker build -f deploy/docker/gateway.Dockerfile .

FROM swift:6.2-bookworm AS build
# The image's distribution pins the versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libhiredis-dev libpq-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# Dependencies change less often than sources, so they have a layer of their own.
COPY Package.swift Package.resolved* ./
RUN swift package resolve
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --product whorl-gateway \
    && install -D -t /out "$(swift build -c release --static-swift-stdlib --show-bin-path)/whorl-gateway"

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libhiredis0.14 libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 whorl \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin whorl \
    && install -d -o whorl -g whorl -m 750 /var/lib/whorl/uploads
COPY --from=build /out/whorl-gateway /usr/local/bin/whorl-gateway
ENV WHORL_HTTP_HOST=0.0.0.0 \
    WHORL_HTTP_PORT=8080 \
    WHORL_OPERATORS_PORT=8081 \
    WHORL_UPLOADS_DIRECTORY=/var/lib/whorl/uploads
USER 10001
VOLUME /var/lib/whorl/uploads
EXPOSE 8080
# bash can open the connection itself, so the image needs no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${WHORL_OPERATORS_PORT} && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["whorl-gateway"]
