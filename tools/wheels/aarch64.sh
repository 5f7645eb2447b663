#!/usr/bin/env bash
# Tries the library on aarch64 where there is no such machine: tools/wheels/aarch64.sh [FOLDER]
# The golden files are decoded by Debian's Python for arm64, and NumPy's wheel for it, under qemu-user. Needs Debian with qemu-user (apt-get install qemu-user), pip and
# ziglang; FOLDER (default: build/aarch64) keeps what was fetched, 150 MB. What packages are installed here stays as it is; only apt's lists change.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(mkdir -p "${1:-build/aarch64}" && cd "${1:-build/aarch64}" && pwd)
python=${PYTHON:-python3}

if [ ! -e "$folder/root/usr/bin/python3" ]; then
    dpkg --print-foreign-architectures | grep -qx arm64 || { dpkg --add-architecture arm64 && apt-get update -qq; }
    mkdir -p "$folder/debs" "$folder/root"
    version=$(apt-cache depends python3-minimal:arm64 | sed -n 's/.*PreDepends: \(python3[.0-9]*\)-minimal.*/\1/p' | head -1)
    wanted="$version-minimal lib$version-minimal lib$version-stdlib libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libffi8 libssl3 liblzma5 libbz2-1.0 libuuid1"
    (cd "$folder/debs" && for name in $wanted; do apt-get download -q "$name:arm64"; done)
    for package in "$folder"/debs/*.deb; do dpkg-deb -x "$package" "$folder/root"; done
    [ -e "$folder/root/lib/ld-linux-aarch64.so.1" ] || ln -s "aarch64-linux-gnu/ld-linux-aarch64.so.1" "$folder/root/lib/ld-linux-aarch64.so.1"
    ln -sf "$version" "$folder/root/usr/bin/python3"
fi
number=$(basename "$(readlink "$folder/root/usr/bin/python3")" | tr -d 'python')
if [ ! -d "$folder/packages/numpy" ]; then
    "$python" -m pip install --quiet --no-compile --only-binary :all: --implementation cp --python-version "$number" \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 --target "$folder/packages" "numpy>=2" threadpoolctl
fi

rm -rf "$folder/sarcodec" && mkdir "$folder/sarcodec"
cp -r src/sarcodec "$folder/sarcodec/" && rm -f "$folder"/sarcodec/sarcodec/native/libsarcodec.*
"$python" native/build_library.py --target aarch64-linux-gnu.2.17 --out "$folder/sarcodec/sarcodec/native"
run=(env "PYTHONPATH=$folder/sarcodec:$folder/packages" QEMU_CPU=max qemu-aarch64 -L "$folder/root" "$folder/root/usr/bin/python3")
"${run[@]}" tools/wheels/golden.py --child
