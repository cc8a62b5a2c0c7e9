# The daemon in a container, on the processor's cores: `docker build -t tensord .`
#
#   docker run -v tensord:/run/tensord tensord              a Unix socket in the volume
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY deploy/dev deploy/packages.txt deploy/
RUN deploy/dev setup --build-only
COPY CMakeLists.txt CMakePresets.json ./
COPY engine engine
COPY proto proto
COPY server server
RUN deploy/dev build release -DTENSORD_TESTS=OFF

FROM debian:bookworm-slim
WORKDIR /src
COPY deploy/dev deploy/packages.txt deploy/
RUN deploy/dev setup --run-only && rm -rf /src /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/tensord tensord \
    && install -d -o tensord -g tensord -m 0750 /run/tensord \
    && install -d -o tensord -g tensord -m 0700 /var/lib/tensord/cache
COPY --from=build /src/build/release/server/tensord /usr/local/bin/tensord
USER tensord
WORKDIR /var/lib/tensord
VOLUME ["/run/tensord", "/var/lib/tensord/cache"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tensord"]
CMD ["--listen", "unix:///run/tensord/tensord.sock", "--device", "llvm,cpu", \
     "--cache-dir", "/var/lib/tensord/cache"]
