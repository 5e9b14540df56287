#!/usr/bin/env bash
# Shows that tests of this tree fail on an older commit: runs them there, and prints a table.
#
#   eng/fails-before.sh COMMIT FILTER [FOLDER]
#
# COMMIT is checked out into a temporary folder, or into FOLDER, which is kept for the next time, as building takes a
# while. The tests and fixtures of this tree, committed or not, are laid over it, and what
# FILTER selects (what `dotnet test --filter` takes; `~NAME` is a part of the full name) is run there. Test files
# that do not compile there are taken out, and listed with the reason; files that only support tests are as in COMMIT
# then, or gone with their users if COMMIT has none. Each class runs in a process of its own; where that dies or hangs,
# each test that is left does.
#
# The status is 0 where all that ran has been told, whatever it was; 1 where the tests could not be built or listed.
set -euo pipefail
[[ $# -eq 2 || $# -eq 3 ]] || { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2; exit 1; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1
class_seconds=${CLASS_SECONDS:-300} test_seconds=${TEST_SECONDS:-90}

fail() {
    echo "eng/fails-before.sh: $*" >&2
    exit 1
}

commit=$(git rev-parse --verify --quiet "$1^{commit}") || fail "no such commit: $1"
short=$(git rev-parse --short "$commit")
filter=$(sed -E 's/(^|[|&(])~/\1FullyQualifiedName~/g' <<< "$2")
[[ -d artifacts/armhf ]] || eng/install.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/fails-before.XXXXXX")
old=${3:-$work/tree}
trap 'rm -rf "$work"; git worktree prune' EXIT
[[ -e $old/.git ]] || git worktree add --quiet --detach "$old" "$commit"
old=$(cd "$old" && pwd)
[[ $old != "$PWD" ]] || fail "the folder must be another than this tree"
git -C "$old" checkout --quiet --force --detach "$commit"

# What is laid over the commit: tests, fixtures, and of the build what the tests' project file asks for and COMMIT can give.
find "$old/Tests" "$old/fixtures" \( -name bin -o -name obj \) -prune -o -type f -exec rm {} +
tar --create --exclude=bin --exclude=obj --exclude=TestResults --exclude=.cache Tests fixtures | tar --extract --directory "$old"
mkdir -p "$old/artifacts"
ln -sfn "$PWD/artifacts/armhf" "$old/artifacts/armhf"
while read -r project; do
    [[ -e $old/Tests/${project//\\//} ]] || sed -i "\\|ProjectReference Include=\"${project//\\/\\\\}\"|d" "$old/Tests/Tests.csproj"
done < <(sed -n 's/.*ProjectReference Include="\([^"]*\)".*/\1/p' Tests/Tests.csproj)
while read -r package; do
    grep -q "Include=\"$package\"" "$old/Directory.Packages.props" && continue
    version=$(grep "PackageVersion Include=\"$package\"" Directory.Packages.props)
    sed -i "0,/<PackageVersion/s||$version\n&|" "$old/Directory.Packages.props"
done < <(sed -n 's/.*PackageReference Include="\([^"]*\)".*/\1/p' Tests/Tests.csproj)

# Builds, and takes out what does not compile, until the rest does.
echo "eng/fails-before.sh: building $short in $old" >&2
: > "$work/removed"
references=true
until dotnet build "$old/Tests" --configuration Release --verbosity quiet -nodeReuse:false -p:UseSharedCompilation=false \
    -p:TreatWarningsAsErrors=false -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false -p:BuildProjectReferences=$references \
    > "$work/build" 2>&1; do
    references=false
    grep -E "^$old/Tests/.*\.cs\([0-9,]+\): error " "$work/build" |
        sed -E "s|^$old/([^(]*)\(([0-9]+),[0-9]+\): error ([^[]*).*|\1\tline \2: \3|" |
        awk -F '\t' '!seen[$1]++' > "$work/errors"
    [[ -s $work/errors ]] || fail "$short does not build, and it isn't the tests' fault: $(cat "$work/build")"
    while IFS=$'\t' read -r file reason; do
        taken="not compiled"
        if ! grep -qE '\[(Test|TestCase|TestCaseSource|Theory)\b' "$old/$file" && ! grep -q "	$file	" "$work/removed" &&
            git show "$commit:$file" > "$work/older" 2> /dev/null; then
            cp "$work/older" "$old/$file"
            taken="as in $short"
        else
            rm "$old/$file"
        fi
        printf '%s\t%s\t%s\n' "$taken" "$file" "$reason" >> "$work/removed"
    done < "$work/errors"
done

tests=$(echo "$old"/Tests/bin/Release/*/ElfLoader.Tests.dll)
dotnet vstest "$tests" --ListFullyQualifiedTests --ListTestsTargetPath:"$work/listed" --TestCaseFilter:"$filter" > "$work/list" ||
    fail "the tests could not be listed: $(cat "$work/list")"
touch "$work/listed"

# run SECONDS FILTER CLASS: appends 'result TAB full name TAB first line of the message' to $work/results. All processes of a run are
# of one process group, which `timeout` ends.
run() {
    local status=0
    {
        timeout --signal=KILL "$1" dotnet vstest "$tests" --TestCaseFilter:"$2" "--logger:console;verbosity=normal" \
            > "$work/run" 2>&1 < /dev/null || status=$?
    } 2> /dev/null # where the shell would say that it was killed
    awk -v class="$3" '
        function tell() { if (name != "") print result "\t" class "." name "\t" message }
        match($0, /^  (Passed|Failed|Skipped) /) {
            tell(); result = tolower(substr($0, 3, RLENGTH - 3)); name = substr($0, RLENGTH + 1); sub(/ \[[^\[]*\]$/, "", name); message = ""; wanted = 0; next
        }
        /^  Error Message:/ { wanted = 1; next }
        /^  Stack Trace:/ { wanted = 0 }
        wanted && NF && length(message) < 160 { sub(/^ +/, ""); message = message (message == "" ? "" : " ") $0 }
        END { tell() }' "$work/run" >> "$work/results"
    return "$status"
}

missing() { cut -f 2 "$work/results" | grep -vxFf - "$1" || true; }

: > "$work/results"
while read -r class; do
    grep -F "$class." "$work/listed" | awk -v class="$class" '{ name = $0; sub(/\(.*/, "", name); sub(/\.[^.]*$/, "", name) } name == class' > "$work/class"
    echo "eng/fails-before.sh: $class, $(wc -l < "$work/class") tests" >&2
    run "$class_seconds" "($filter)&FullyQualifiedName~$class." "$class" || true
    while read -r test; do
        grep -qF "	$test	" "$work/results" && continue
        before=$(wc -l < "$work/results") status=0
        run "$test_seconds" "FullyQualifiedName=$(sed 's/[\\()&|=!~]/\\&/g' <<< "$test")" "$class" || status=$?
        if grep -q '^No test matches' "$work/run"; then # a name that a filter cannot say: all cases of the method
            run "$test_seconds" "FullyQualifiedName~${test%%(*}" "$class" || status=$?
        fi
        if [[ $(wc -l < "$work/results") -gt $before ]]; then
            continue
        elif [[ $status -eq 137 ]]; then
            printf 'hung\t%s\tno result in %s seconds\n' "$test" "$test_seconds"
        elif [[ $status -ne 0 ]]; then
            printf 'died\t%s\t%s\n' "$test" "$(grep -m 1 -iE 'crash|abort|fatal|unhandled' "$work/run" || echo "status $status")"
        else
            printf 'not run\t%s\t%s\n' "$test" "$(tail -n 1 "$work/run")"
        fi >> "$work/results"
    done < <(missing "$work/class")
done < <(sed -E 's/\(.*//; s/\.[^.]*$//' "$work/listed" | sort -u)

printf '\n%-14s%s\n' "on $short" "test"
sort -u "$work/results" | sed 's/\tElfLoader\.Tests\./\t/' | sort -t $'\t' -k 2 | awk -F '\t' '{ printf "%-14s%s\n", $1, $2; if ($3 != "") printf "%-14s    %s\n", "", $3 }'
if [[ -s $work/removed ]]; then
    printf '\n%-14s%s\n' "on $short" "file"
    awk -F '\t' '{ printf "%-14s%s\n%-14s    %s\n", $1, $2, "", $3 }' "$work/removed"
fi

count() { sort -u "$work/results" | grep -c "^$1	" || true; }
echo
echo "$(count failed) failed, $(count died) died, $(count hung) hung, $(count passed) passed, $(count skipped) skipped, $(count "not run") not run;" \
    "$(grep -c '^not compiled' "$work/removed" || true) test files do not compile on $short"
