# SPDX-License-Identifier: Apache-2.0
# Sourced by ./run, ./test and ./bench: installs the system packages they need, if any is
# missing. usage: need_packages NAME...
need_packages() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "Please install these packages as root and start again:$missing" >&2
            return 1
        }
        as_root=sudo
    fi
    echo "Installing system packages:$missing" >&2
    $as_root apt-get -o DPkg::Lock::Timeout=500 update -qq >&2 || true
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=500 install -y \
        -qq --no-install-recommends $missing >&2
}

# node and npm: whatever version is there will do if it is at least 18.
need_node() {
    if command -v node >/dev/null && command -v npm >/dev/null &&
        [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]; then
        return 0
    fi
    need_packages nodejs npm
}

BUILD_PACKAGES="gcc libc6-dev cmake ninja-build pkg-config python3 libuv1-dev libmicrohttpd-dev \
libjansson-dev libsqlite3-dev libssl-dev libcurl4-openssl-dev libbearssl-dev libiio-dev libp11-kit-dev \
libmosquitto-dev libcoap3-dev libpq-dev"
BENCH_PACKAGES="libfftw3-dev"
TEST_PACKAGES="$BENCH_PACKAGES clang clang-tidy clang-format cppcheck libclang-rt-14-dev \
python3-venv curl gcc-arm-none-eabi binutils-arm-none-eabi picolibc-arm-none-eabi \
qemu-system-arm softhsm2 chromium dpkg-dev procps tcc tshark mbpoll libmodbus-dev mosquitto mosquitto-clients \
iproute2 libcoap3-bin postgresql"
