#!/bin/sh
# install.sh PACKAGE...: installs Debian packages where this user may (root, or sudo without a password). Ends with 1 where not.
set -u

command -v apt-get >/dev/null 2>&1 || exit 1
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    exit 1
fi

bounded=
command -v timeout >/dev/null 2>&1 && bounded="timeout 300"
patience="-o Acquire::http::Timeout=20 -o Acquire::Retries=1 -o DPkg::Lock::Timeout=120"

# What is installed is started by the tests, not as a service: where nobody has a say in that yet, apt is told so while it installs.
# shellcheck disable=SC2016
quietly='
policy=/usr/sbin/policy-rc.d
if [ -d /usr/sbin ] && [ ! -e "$policy" ]; then
    trap "rm -f $policy" EXIT
    trap "exit 1" HUP INT TERM
    printf "#!/bin/sh\nexit 101\n" >"$policy"
    chmod 755 "$policy"
fi
apt-get "$@"'

# The words of these variables are meant to be split.
# shellcheck disable=SC2086
{
    echo "installing: $*"
    $as_root $bounded apt-get $patience -q -q update >/dev/null 2>&1
    $as_root $bounded env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        sh -c "$quietly" sh $patience -q -q -y --no-install-recommends install "$@" >/dev/null 2>&1
} || {
    echo "could not install: $*"
    exit 1
}
