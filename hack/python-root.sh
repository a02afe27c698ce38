#!/usr/bin/env bash
# Fills the root folder of an image with this machine's Python, the packages of a folder, and the libraries that all of
# them are linked with, at the paths that they have here. For where no base image can be fetched.
#   hack/python-root.sh ROOT PYTHON PACKAGES
# Prints the path of Python's program in the image; /usr/bin/python leads there.
set -euo pipefail

if [ $# -ne 3 ]; then
  echo "usage: hack/python-root.sh ROOT PYTHON PACKAGES" >&2
  exit 2
fi
root=$1 packages=$3
# Of a virtual environment, the Python that it was made with.
about=$("$2" -c '
import os, sys, sysconfig
print(os.path.realpath(sys.executable))
print(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix, "base": sys.base_prefix}))
')
{ read -r program; read -r library; } <<<"$about"

put() {
  mkdir -p "$root$(dirname "$1")"
  cp --dereference "$1" "$root$1"
}
put "$program"
# Without its tests, its windows, and what installs other packages.
mkdir -p "$root$library"
tar -C "$library" -c --exclude ./test --exclude ./idlelib --exclude ./tkinter --exclude ./turtledemo --exclude ./ensurepip \
  --exclude ./lib2to3 --exclude './config-*' --exclude '*.a' --exclude ./site-packages --exclude ./dist-packages . | tar -C "$root$library" -x
# Where each Python looks without being told, wherever it is.
mkdir -p "$root/packages"
tar -C "$packages" -c --exclude './pip*' --exclude './setuptools*' . | tar -C "$root/packages" -x
echo /packages >"$root/packages.pth"
site=$("$program" -c 'import site; print(site.getsitepackages()[0])')
mkdir -p "$root$site" "$root/usr/bin" "$root/tmp"
mv "$root/packages.pth" "$root$site/packages.pth"
ln -sf "$program" "$root/usr/bin/python"

# Lines as of `libc.so.6 => /lib/x/libc.so.6 (0x...)`, and of the loader alone.
{
  echo "$program"
  find "$root$library" "$root/packages" -name '*.so*' -type f
} | while read -r file; do ldd "$file" 2>/dev/null || true; done |
  sed -n 's#^.*=> \(/[^ ]*\) .*#\1#p; s#^[[:space:]]*\(/[^ ]*\) (.*#\1#p' | sort -u |
  while read -r file; do put "$file"; done
echo "$program"
