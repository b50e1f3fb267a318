# SPDX-License-Identifier: GPL-2.0-or-later
# The edge: Kamailio with the product, in the foreground, log on stderr, settings by environment.
#   docker build -t followme-edge .
#   docker run --network host -e FOLLOWME_REDIS=... -e FOLLOWME_ADDRESS=... followme-edge
# The stage `demo` is the same with stand-in phones, Redis and the writer's side:
#   docker build -t followme-demo --target demo . && docker run followme-demo
ARG BASE=debian:trixie-slim
FROM $BASE AS packages
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
WORKDIR /opt/followme
COPY requirements-edge.lock .
# The same place as below, since a venv holds its own path.
RUN /usr/bin/python3 -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: \
        --requirement requirements-edge.lock

FROM $BASE AS edge
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        kamailio kamailio-python3-modules kamailio-sqlite-modules kamailio-tls-modules \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/followme
COPY --from=packages /opt/followme/.venv .venv
COPY LICENSE .
COPY kamailio kamailio
COPY kemi_routing kemi_routing
# The Debian package made this user; it needs to write nowhere but here.
RUN install -d -o kamailio -g kamailio /var/lib/followme \
    && /usr/bin/python3 -m compileall -q kamailio kemi_routing
USER kamailio
ENV FOLLOWME_RUN_DIR=/var/lib/followme
HEALTHCHECK CMD kamcmd -s "unixs:$FOLLOWME_RUN_DIR/kamailio_ctl" core.uptime
ENTRYPOINT ["kamailio/start"]

FROM edge AS demo
USER root
COPY . .
RUN script/setup && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["script/demo"]
CMD ["--once"]

FROM edge
