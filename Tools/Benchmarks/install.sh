#!/usr/bin/env bash
# Installs what the comparison needs on a Debian machine beside what eng/install.sh installs: the peers.
set -euo pipefail

packages=(llvm-19-dev mold g++-12-arm-linux-gnueabihf binutils-arm-linux-gnueabihf libc6-dev-armhf-cross libstdc++-12-dev-armhf-cross)

missing=()
for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null) == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

root=()
[[ $(id -u) -eq 0 ]] || root=(sudo)
echo "Tools/Benchmarks/install.sh: installing ${missing[*]}"
"${root[@]}" apt-get update -qq
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
