# To be sourced. Debian's packages for armhf, on a machine of another kind: unpacked into a folder, not installed. Lists of
# packages are those of a folder of their own: the machine's stay as they are.

# armhf_begin FOLDER: fetches the lists into a folder.
armhf_begin() {
    armhf_work=$1
    mkdir -p "$armhf_work"/{lists,cache/archives}/partial "$armhf_work/packages"
    armhf_options=(
        -qq -o APT::Architecture=armhf -o APT::Architectures=armhf
        -o Dir::State::Lists="$armhf_work/lists" -o Dir::Cache="$armhf_work/cache" -o APT::Sandbox::User=root
    )
    apt-get "${armhf_options[@]}" update 2> "$armhf_work/errors" || true # other sources than Debian's may have nothing for armhf
}

# armhf_dependency PACKAGE: prints the first package that it depends on.
armhf_dependency() {
    apt-cache "${armhf_options[@]}" depends --important "$1" | sed -n 's/^ *Depends: //p' | head -n 1
}

# armhf_unpack FOLDER PACKAGE...: downloads packages and unpacks them into a folder.
armhf_unpack() {
    local folder=$1
    shift
    (cd "$armhf_work/packages" && apt-get "${armhf_options[@]}" download "$@") || {
        echo "apt-get could not download $*: $(cat "$armhf_work/errors")" >&2
        return 1
    }
    local package
    for package in "$armhf_work"/packages/*.deb; do
        dpkg-deb --extract "$package" "$folder"
        rm "$package"
    done
}
