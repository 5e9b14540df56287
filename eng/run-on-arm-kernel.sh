#!/usr/bin/env bash
# Runs static programs for ARM that elfload has linked under a real kernel: Debian's armmp kernel in qemu-system-arm, as
# children of an init of our own, which elfload has linked, too. User-mode emulation forgives what a kernel and a C library do
# not, such as a segment that is protected beyond its end. Prints each program's output and status, and fails where one is
# not what qemu-arm makes of the same program. What is missing is installed; the kernel is downloaded, not installed.
#
# ELFLOAD names the tool; without it, it is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
patience=300 # seconds

fail() {
    echo "eng/run-on-arm-kernel.sh: $*" >&2
    exit 1
}

eng/install.sh
if ! command -v qemu-system-arm cpio > /dev/null; then
    root=()
    [[ $(id -u) -eq 0 ]] || root=(sudo)
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-system-arm cpio > /dev/null ||
        fail "apt-get could not install qemu-system-arm and cpio"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kernel_folder=artifacts/arm-kernel
if [[ ! -e $kernel_folder ]]; then
    source eng/armhf-packages.sh
    armhf_begin "$work/apt"
    package=$(armhf_dependency linux-image-armmp)
    [[ -n $package ]] || fail "Debian has no linux-image-armmp"
    echo "eng/run-on-arm-kernel.sh: downloading $package"
    armhf_unpack "$work/kernel" "$package" || fail "the kernel is missing"
    mkdir -p "$kernel_folder.new"
    cp "$work"/kernel/boot/vmlinuz-* "$kernel_folder.new/vmlinuz"
    mv "$kernel_folder.new" "$kernel_folder"
fi

if [[ -z ${ELFLOAD:-} ]]; then
    eng/publish-tool.sh
    ELFLOAD=artifacts/native-tool/elfload
fi

# The programs: name, then its sources. As a compiler's driver would have it: start files, objects, libraries, in this order.
lib=/usr/arm-linux-gnueabihf/lib
gcc=/usr/lib/gcc-cross/arm-linux-gnueabihf/12
armhf=artifacts/armhf/usr
programs=$work/root/programs
mkdir -p "$programs"
link() {
    local name=$1 source objects=()
    shift
    for source in "$@"; do
        if [[ $source == *.a ]]; then
            objects+=("$source")
            continue
        fi

        local object=$work/$name-$(basename "$source").o compiler=arm-linux-gnueabihf-gcc-12
        [[ $source != *.cpp ]] || compiler=arm-linux-gnueabihf-g++-12
        "$compiler" -O1 -I"$armhf/include" -c "$source" -o "$object"
        objects+=("$object")
    done
    "$ELFLOAD" link "$lib/crt1.o" "$lib/crti.o" "$gcc/crtbeginT.o" "${objects[@]}" "$gcc/libstdc++.a" "$lib/libm.a" "$lib/libc.a" \
        "$gcc/libgcc.a" "$gcc/libgcc_eh.a" "$gcc/crtend.o" "$lib/crtn.o" -o "$programs/$name"
}

sources=fixtures/src
link c $sources/arm-programs/library.c
link exceptions $sources/throws.cpp $sources/throws2.cpp $sources/throws3.cpp
link threads $sources/threads.cpp $sources/threads2.cpp
link sqlite $sources/arm-programs/query.c $armhf/lib/arm-linux-gnueabihf/libsqlite3.a

# The first process: runs the programs one after the other, and turns the machine off.
cat > "$work/init.c" << 'END'
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "/programs/%s", name);
    printf("=== %s\n", name);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(path, name, (char *)0);
        perror("exec");
        _exit(126);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("=== status %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int main(void)
{
    struct utsname system;
    mkdir("/proc", 0755);
    mount("proc", "/proc", "proc", 0, "");
    uname(&system);
    printf("=== %s %s %s\n", system.sysname, system.release, system.machine);
    struct dirent **names;
    int count = scandir("/programs", &names, 0, alphasort);
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.') run(names[i]->d_name);
    }
    printf("=== end\n");
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    return 1;
}
END
link init "$work/init.c"
mv "$programs/init" "$work/root/init"
mkdir -p "$work/root/dev" "$work/root/tmp"
# Without this node the first process has no standard streams.
[[ $(id -u) -ne 0 ]] || mknod -m 600 "$work/root/dev/console" c 5 1
(cd "$work/root" && find . | cpio --quiet -o -H newc) > "$work/initrd"

timeout $patience qemu-system-arm -M virt -cpu cortex-a15 -smp 2 -m 512 -nographic -no-reboot -nic none -kernel "$kernel_folder/vmlinuz" \
    -initrd "$work/initrd" -append "console=ttyAMA0 quiet loglevel=1 panic=-1 rdinit=/init" < /dev/null | tr -d '\r' > "$work/console" ||
    fail "the machine did not end: $(tail -n 20 "$work/console")"
sed -n '/^=== /,/^=== end$/p' "$work/console"
grep -q '^=== end$' "$work/console" || fail "the first process did not end: $(tail -n 20 "$work/console")"

failed=0
for program in "$programs"/*; do
    name=$(basename "$program")
    expected=$(status=0; qemu-arm -0 "$name" "$program" 2>&1 || status=$?; echo "=== status $status")
    seen=$(sed -n "/^=== $name\$/,/^=== status/p" "$work/console" | tail -n +2)
    if [[ $seen != "$expected" ]]; then
        echo "eng/run-on-arm-kernel.sh: $name: expected: $expected" >&2
        failed=1
    fi
done
exit $failed
