# Sourced by run, test and check: what they need from Debian, and how it is installed.
build_packages=(meson ninja-build g++ pkg-config libpcap-dev librocksdb-dev libssl-dev libcli11-dev zlib1g-dev
  libbrotli-dev libzstd-dev libyaml-cpp-dev nlohmann-json3-dev libprotobuf-dev protobuf-compiler libfmt-dev
  libexpected-dev node-llhttp libcpp-httplib-dev libspdlog-dev libcap-dev libsystemd-dev libsimdjson-dev
  libexpat1-dev libdpdk-dev)
test_packages=(doctest-dev python3 zstd iproute2 nginx-light curl wrk)
bench_packages=(tcpdump tcpreplay)
check_packages=(clang-format clang-tidy)

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# Installs what of the named packages is missing; asks for nothing if all are there.
need_packages() {
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == 'install ok installed' ]] || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0
  command -v apt-get >/dev/null || die "these packages are missing, and there is no apt-get: ${missing[*]}"
  local apt_get=(env DEBIAN_FRONTEND=noninteractive apt-get)
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "run as root, or install: ${missing[*]}"
    apt_get=(sudo "${apt_get[@]}")
  fi
  echo "installing: ${missing[*]}" >&2
  local log
  log=$(mktemp)
  if ! { "${apt_get[@]}" update -qq &&
    "${apt_get[@]}" install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 3 "$log" >&2
    rm -f "$log"
    die "apt-get could not install: ${missing[*]}"
  fi
  rm -f "$log"
}

# Configures (once) and builds a target into a folder: build_into DIR TARGET [MESON OPTION…]
build_into() {
  local directory=$1 target=$2
  shift 2
  [[ -f $directory/build.ninja ]] || meson setup "$directory" "$@" >&2 || die "meson could not configure $directory"
  ninja -C "$directory" ${target:+"$target"} >&2 || die "the build in $directory failed"
}
