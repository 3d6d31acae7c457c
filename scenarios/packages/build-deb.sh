#!/bin/sh
# Makes a Debian package of a binary that was built:
#   cargo build --profile dist --locked && scenarios/packages/build-deb.sh target/dist/bellwether .
# Needs dpkg-deb and strip. The binary itself writes its manual pages and completions.
set -eu
[ $# = 2 ] || [ $# = 3 ] || { echo "usage: $0 BINARY FOLDER [COMPRESSION, 0 to 9]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
version=$("$binary" --version | cut -d' ' -f2)
architecture=$(dpkg --print-architecture)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
umask 022

install -D -m 755 "$binary" "$tree/usr/bin/bellwether"
strip --strip-unneeded "$tree/usr/bin/bellwether"
install -D -m 644 "$here/bellwether.service" "$tree/lib/systemd/system/bellwether.service"
for file in bellwether.yaml bellwether-ready.yaml; do
  install -D -m 644 "$here/etc/$file" "$tree/etc/bellwether/$file"
done

share=$tree/usr/share
mkdir -p "$share/man/man1" "$share/bash-completion/completions" "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d" "$share/doc/bellwether"
"$binary" docs --man "$share/man/man1" >/dev/null
gzip -9n "$share"/man/man1/*
"$binary" completion bash >"$share/bash-completion/completions/bellwether"
"$binary" completion zsh >"$share/zsh/vendor-completions/_bellwether"
"$binary" completion fish >"$share/fish/vendor_completions.d/bellwether.fish"

install -m 644 "$here/debian/copyright" "$share/doc/bellwether/copyright"
gzip -9nc "$here/../../CHANGELOG.md" >"$share/doc/bellwether/NEWS.md.gz"
date=$(date -R -u -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y "$here/../../CHANGELOG.md")}")
printf 'bellwether (%s) unstable; urgency=medium\n\n  * See NEWS.md.gz.\n\n -- The Bellwether authors <noreply@bellwether.invalid>  %s\n' "$version" "$date" |
  gzip -9nc >"$share/doc/bellwether/changelog.gz"

mkdir "$tree/DEBIAN"
printf '/etc/bellwether/bellwether.yaml\n/etc/bellwether/bellwether-ready.yaml\n' >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  install -m 755 "$here/debian/$script" "$tree/DEBIAN/$script"
done
size=$(du -k -s --exclude=DEBIAN "$tree" | cut -f1)
sed -e "s/@version@/$version/" -e "s/@architecture@/$architecture/" -e "s/@size@/$size/" "$here/debian/control" >"$tree/DEBIAN/control"
(cd "$tree" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"

dpkg-deb --root-owner-group -Zxz "-z${3:-6}" --build "$tree" "$2/bellwether_${version}_${architecture}.deb" >/dev/null
echo "$2/bellwether_${version}_${architecture}.deb"
