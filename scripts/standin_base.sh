#!/bin/sh
# Make a stand-in for a Python base image where no image registry can be reached: Debian from its packages, this
# machine's own Python in /usr/local, its CA certificates. So the very Dockerfile that users have can be built.
#   sh scripts/standin_base.sh python:3.13.11-slim-bookworm     needs root, debootstrap and a Docker engine
# It has what the Dockerfiles of the course use of the real one: the same paths, pip, apt. Ship nothing built on it.
set -eu
image=${1:?usage: standin_base.sh IMAGE}
docker=${DOCKER:-docker}

if "$docker" image inspect "$image" >/dev/null 2>&1; then
    echo "standin_base: \`$image\` is there already"
    exit 0
fi

# The Python of the tag, such as python3.13; else the one that runs here: the lock holds for 3.11 to 3.13.
wanted=$(printf '%s\n' "$image" | sed -n 's/.*:\([0-9]*\.[0-9]*\).*/python\1/p')
for python in "$wanted" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/"$wanted" .venv/bin/python python3; do
    "$python" -c '' 2>/dev/null && break
done
prefix=$("$python" -c 'import os, sys; print(os.path.realpath(sys.base_prefix))')
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -n 's/^\(URIs:\|deb\( \[.*\]\)\?\) *\(https\?:[^ ]*debian\/\?\)\( .*\)\?$/\3/p' | head -n 1)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
root=$scratch/root

# The Debian packages whose libraries this Python's own modules are linked with.
libraries() {
    find "$prefix/bin/python$version" "$prefix/lib/python$version/lib-dynload" -type f -exec ldd {} + 2>/dev/null |
        sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u | xargs -r -n 1 realpath
}
packages=$(libraries | xargs -r dpkg -S 2>/dev/null | sed 's/:.*//' | grep -v -- -dev | sort -u | paste -sd , -)
[ "$prefix" != /usr ] || packages="$packages,python3-venv,python3-pip"

debootstrap --variant=minbase --include="ca-certificates,netbase,tzdata${packages:+,$packages}" \
    "$suite" "$root" ${mirror:+"$mirror"} >"$scratch/log" 2>&1 || {
    tail -n 20 "$scratch/log" >&2
    exit 1
}

if [ "$prefix" = /usr ]; then
    ln -s "/usr/bin/python$version" "$root/usr/local/bin/python"
    rm -f "$root/usr/lib/python$version/EXTERNALLY-MANAGED"
else
    mkdir -p "$root/usr/local/lib" "$root/usr/local/bin"
    tar -C "$prefix" --exclude='*/test' --exclude='*/tests' --exclude='*/__pycache__' --exclude='*.a' -cf - \
        "lib/python$version" include | tar -C "$root/usr/local" -xf -
    find "$prefix/lib" -maxdepth 1 -name 'libpython*' -exec cp -a {} "$root/usr/local/lib/" \;
    cp "$prefix/bin/python$version" "$root/usr/local/bin/"
    find "$root/usr/local/lib/python$version/site-packages" -mindepth 1 -maxdepth 1 ! -name 'pip*' -exec rm -rf {} +
    for name in python python3; do ln -sf "python$version" "$root/usr/local/bin/$name"; done
    for name in pip pip3 "pip$version"; do
        printf '#!/usr/local/bin/python\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n' \
            >"$root/usr/local/bin/$name"
        chmod 755 "$root/usr/local/bin/$name"
    done
fi
chroot "$root" ldconfig

# What the slim images leave out, too.
rm -rf "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/usr/share/info/* \
    "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/log/apt
[ ! -s /etc/ssl/certs/ca-certificates.crt ] ||
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

bundle=/etc/ssl/certs/ca-certificates.crt
tar -C "$root" --numeric-owner -cf - . | "$docker" import \
    --change 'ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8' \
    --change "ENV SSL_CERT_FILE=$bundle PIP_CERT=$bundle REQUESTS_CA_BUNDLE=$bundle" \
    --change 'CMD ["python3"]' \
    --message 'stand-in made from Debian packages, for tests only' - "$image" >/dev/null
echo "standin_base: \`$image\` is a stand-in with Python $("$docker" run --rm --network none "$image" python -c \
    'import platform; print(platform.python_version())')"
