#!/usr/bin/env bash
# Chromium for the tests of the page, where the system has none and lets us install it.
set -u
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null && $as_root apt-get update -qq \
    && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; then
    exit 0
fi
echo "Chromium is missing and could not be installed: the tests of the page will be skipped, or fail where CI is set" >&2
