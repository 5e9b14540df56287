#!/usr/bin/env bash
# Installs what the tests need on a Debian machine: compilers, static libraries, the programs that answers are compared
# with. Does nothing, quickly, where everything is there. The .NET SDK is not Debian's: it must be there already.
set -euo pipefail

packages=(
    clang-14 llvm-14 llvm-14-dev clang-19 llvm-19 lld-19 gcc-12 g++-12 binutils libstdc++-12-dev libc6-dev
    libsqlite3-dev sqlite3 zlib1g-dev libgmp-dev libssl-dev liblua5.4-dev libtinfo-dev gdb linux-perf qemu-user util-linux
)

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
[[ ${#missing[@]} -gt 0 ]] || exit 0

root=()
if [[ $(id -u) -ne 0 ]]; then
    command -v sudo > /dev/null || fail "not root, and there is no sudo; install by hand: ${missing[*]}"
    root=(sudo)
fi

echo "eng/install.sh: installing ${missing[*]}"
"${root[@]}" apt-get update -qq || fail "apt-get update failed"
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null ||
    fail "apt-get could not install: ${missing[*]}"
