# The daemon in a container. `deploy/dev image` runs these very steps without a container engine.
#
#   docker build -t tensord .                       on the processor's cores (--target cpu)
#   docker build -t tensord:nvidia --target nvidia .
#   docker run --read-only -v tensord:/run/tensord -v tensord-cache:/var/cache/tensord tensord
#
# Clients reach it by the socket in the first volume; the second keeps compiled kernels.
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY deploy/dev deploy/packages.txt deploy/
RUN deploy/dev setup --build-only
COPY CMakeLists.txt CMakePresets.json README.md ./
COPY engine engine
COPY proto proto
COPY server server
COPY clients/cpp clients/cpp
COPY deploy/systemd deploy/systemd
RUN deploy/dev build release -DTENSORD_TESTS=OFF -DTENSORD_BENCH=OFF -DTENSORD_EXAMPLES=OFF \
    && deploy/dev install /out

FROM debian:bookworm-slim AS run
WORKDIR /src
COPY deploy/dev deploy/packages.txt deploy/
RUN deploy/dev setup --run-only && deploy/dev account --id 10001 && rm -rf /var/lib/apt/lists/*
WORKDIR /
COPY --from=build /out/usr/local/bin/ /usr/local/bin/
ENV TENSORD_ADDR=unix:///run/tensord/tensord.sock \
    TENSORD_LISTEN=unix:///run/tensord/tensord.sock \
    TENSORD_CACHE_DIR=/var/cache/tensord
VOLUME ["/run/tensord", "/var/cache/tensord"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["tensorctl", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tensord"]

# For the OpenCL device: the loader, and the name of the driver that the NVIDIA container toolkit
# mounts where NVIDIA_DRIVER_CAPABILITIES has `compute`.
FROM run AS nvidia
RUN /src/deploy/dev setup --run-only nvidia && rm -rf /var/lib/apt/lists/*
COPY deploy/nvidia.icd /etc/OpenCL/vendors/nvidia.icd
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001

# Last, so that it is what a build without --target makes.
FROM run AS cpu
USER 10001:10001
CMD ["--device", "llvm,cpu"]
