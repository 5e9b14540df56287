#!/usr/bin/env bash
# Installs what the tests need on a Debian machine: compilers, static libraries, the programs that answers are compared
# with. Does nothing, quickly, where everything is there. The .NET SDK is not Debian's: it must be there already.
set -euo pipefail

packages=(
    clang-14 llvm-14 llvm-14-dev clang-19 llvm-19 lld-19 gcc-12 g++-12 binutils libstdc++-12-dev libc6-dev
    libsqlite3-dev sqlite3 zlib1g-dev libgmp-dev libssl-dev liblua5.4-dev libtinfo-dev gdb linux-perf qemu-user util-linux
    libclang-rt-19-dev chromium-headless-shell elfutils
    # ARM: compilers and C libraries with floating-point registers and without, GNU's linker, and a debugger.
    binutils-arm-linux-gnueabihf gcc-arm-linux-gnueabihf g++-arm-linux-gnueabihf libc6-dev-armhf-cross libc6-dev-armel-cross libgcc-12-dev-armel-cross
    gdb-multiarch
)

# Libraries for ARM that have no packages for this machine: unpacked here, not installed.
foreign=(libsqlite3-dev liblua5.4-dev)
foreign_folder=artifacts/armhf

fail() {
    echo "eng/install.sh: $*" >&2
    exit 1
}

command -v dotnet > /dev/null || fail "the .NET SDK is missing (global.json says which version): install it, put 'dotnet' on the path"
command -v dpkg-query > /dev/null || fail "this is not a Debian machine; install by hand: ${packages[*]}"

missing=()
for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null) == installed ]] || missing+=("$package")
done
if [[ ${#missing[@]} -gt 0 ]]; then
    root=()
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo > /dev/null || fail "not root, and there is no sudo; install by hand: ${missing[*]}"
        root=(sudo)
    fi

    echo "eng/install.sh: installing ${missing[*]}"
    "${root[@]}" apt-get update -qq || fail "apt-get update failed"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null ||
        fail "apt-get could not install: ${missing[*]}"
fi

cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ ! -e $foreign_folder ]] || exit 0

echo "eng/install.sh: unpacking ${foreign[*]} for armhf"
mkdir -p artifacts
work=$(mktemp -d "$PWD/artifacts/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
source eng/armhf-packages.sh
armhf_begin "$work"
armhf_unpack "$work/root" "${foreign[@]}" || fail "the libraries for armhf are missing"
mv "$work/root" "$foreign_folder"
