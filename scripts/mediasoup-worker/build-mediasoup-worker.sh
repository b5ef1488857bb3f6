#!/usr/bin/env bash
# Builds mediasoup-worker, the media process of the mediasoup npm package, from
# the C++ sources in that package and from Debian's libraries. It downloads
# nothing (but see --install-deps) and changes nothing in the package.
#
#   build-mediasoup-worker.sh [--install-deps] [--force | --cached-only] <mediasoup dir> <output file>
#
#     <mediasoup dir>  node_modules/mediasoup
#     <output file>    where to put the executable
#     --install-deps   first apt-get install what the build needs (as root)
#     --force          build even if there is one in the cache
#     --cached-only    never build: exit with 3 if there is none in the cache
#
# Environment:
#
#     MEDIASOUP_WORKER_CACHE     folder for the cache
#                                (default ${XDG_CACHE_HOME:-~/.cache}/mediasoup-worker)
#     MEDIASOUP_WORKER_JOBS      compilations at once (default: one for each core,
#                                fewer if there is less than 1 GiB for each)
#     MEDIASOUP_WORKER_CXXFLAGS  optimization (default -O2 -DNDEBUG)
#     CXX                        compiler (default c++)
#
# A build is kept in the cache under a hash of everything that goes into it
# (sources, this recipe, flags, versions of compiler and libraries), so running
# this again costs under a second, and an output that is up to date is left alone.
# While it builds, ninja's counters ("[12/345]") go to standard error, one a line.
set -euo pipefail

# At build time. --no-install-recommends is enough.
BUILD_PACKAGES=(cmake flatbuffers-compiler g++ libflatbuffers-dev libsrtp2-dev libssl-dev libuv1-dev ninja-build pkg-config)
# What the executable needs at run time (Debian 12), for an image without the former:
#   libsrtp2-1 libssl3 libstdc++6 libuv1

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
install_deps=0
force=0
cached_only=0

die() {
  printf 'build-mediasoup-worker: %s\n' "$*" >&2
  exit 1
}

while [[ $# -gt 0 ]]; do
  case "$1" in
    --install-deps) install_deps=1 ;;
    --force) force=1 ;;
    --cached-only) cached_only=1 ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    -*) die "unknown option $1" ;;
    *) break ;;
  esac
  shift
done

[[ $# -eq 2 ]] || die 'usage: build-mediasoup-worker.sh [--install-deps] [--force | --cached-only] <mediasoup dir> <output file>'

package="$(cd "$1" 2>/dev/null && pwd)" || die "no such folder: $1"
output="$(realpath -m -- "$2")"
worker="$package/worker"

[[ -f "$worker/meson.build" && -f "$package/package.json" ]] || die "$package is not the mediasoup npm package"

if [[ $install_deps -eq 1 ]]; then
  missing=()
  for name in "${BUILD_PACKAGES[@]}"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  if [[ ${#missing[@]} -gt 0 ]]; then
    apt-get -o DPkg::Lock::Timeout=600 update
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${missing[@]}"
  fi
fi

cxx="${CXX:-c++}"
flags="${MEDIASOUP_WORKER_CXXFLAGS:--O2 -DNDEBUG}"

for tool in cmake ninja flatc pkg-config sha256sum flock "$cxx"; do
  command -v "$tool" >/dev/null || die "$tool is missing; try: apt-get install --no-install-recommends ${BUILD_PACKAGES[*]}"
done
for library in libuv libssl libcrypto libsrtp2; do
  pkg-config --exists "$library" || die "$library is missing; try: apt-get install --no-install-recommends ${BUILD_PACKAGES[*]}"
done

version="$(sed -n 's/^[[:space:]]*"version":[[:space:]]*"\([^"]*\)".*/\1/p' "$package/package.json" | head -n 1)"
[[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9A-Za-z.+-]+$ ]] || die "cannot tell the version of $package"

hash_of_files() { # of the files below the given places, by relative name and content
  find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
}

key="$({
  echo "$version"
  (cd "$worker" && hash_of_files meson.build src include fbs deps)
  (cd "$here" && hash_of_files CMakeLists.txt shims "$(basename "${BASH_SOURCE[0]}")")
  echo "$flags"
  "$cxx" --version | head -n 1
  uname -m
  flatc --version
  for library in libuv libssl libcrypto libsrtp2; do pkg-config --modversion "$library"; done
} | sha256sum | cut -c 1-24)"

cache="${MEDIASOUP_WORKER_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/mediasoup-worker}"
built="$cache/$version-$key/mediasoup-worker"

# A worker that Node.js did not start says so and exits with this code.
runs() {
  local code=0
  env -u MEDIASOUP_VERSION "$1" >/dev/null 2>&1 || code=$?
  [[ $code -eq 41 ]]
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

if [[ $force -eq 1 ]] || ! { [[ -x "$built" ]] && runs "$built"; }; then
  [[ $cached_only -eq 0 ]] || exit 3
  jobs="${MEDIASOUP_WORKER_JOBS:-}"
  if [[ -z "$jobs" ]]; then
    jobs="$(nproc)"
    gib="$(($(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo) / 1048576))"
    [[ $gib -ge $jobs ]] || jobs=$((gib > 0 ? gib : 1))
  fi
  build="$(mktemp -d "$cache/build.XXXXXX")"
  trap 'rm -rf "$build"' EXIT
  echo "build-mediasoup-worker: building $version ($key) with $jobs jobs; this takes minutes" >&2
  started=$SECONDS
  {
    cmake -S "$here" -B "$build" -G Ninja \
      -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_CXX_FLAGS_RELEASE="$flags" \
      -DWORKER_DIR="$worker" &&
      cmake --build "$build" --target mediasoup-worker --parallel "$jobs"
  } 2>&1 9>&- | tee "$build/log" 9>&- | sed -un 's/^\(\[[0-9]*\/[0-9]*\]\).*/\1/p' 9>&- >&2 || {
    grep -m 5 -A 5 -E 'error:|Error|FAILED' "$build/log" >&2 || true
    tail -n 20 "$build/log" >&2
    die 'the build failed (its last lines are above)'
  }
  strip --strip-all "$build/mediasoup-worker"
  runs "$build/mediasoup-worker" || die 'the executable that was built does not run'
  mkdir -p "${built%/*}"
  mv -f "$build/mediasoup-worker" "$built"
  echo "build-mediasoup-worker: built in $((SECONDS - started)) s" >&2
fi

if ! cmp -s "$built" "$output"; then
  mkdir -p "$(dirname "$output")"
  # Not over the file in place: it may be running.
  cp -f "$built" "$output.new.$$"
  mv -f "$output.new.$$" "$output"
fi
echo "build-mediasoup-worker: $output is mediasoup-worker $version ($key)" >&2
