#!/usr/bin/env bash
# Starts the Pipelines server of the official image with hal-auto in it.
#
# The code is mounted read-only. What the server writes (valves.json, files it could not load) and
# what hal-auto writes (log, caches) goes to the volume at HAL_DATA_DIR. The Python packages that
# the image lacks go there, too: they are fetched on the first start, and again when
# requirements.txt changes, so that a restart needs no network.
set -euo pipefail

code=${HAL_CODE_DIR:-/opt/hal-auto}
server=${HAL_SERVER_DIR:-/app}
data=${HAL_DATA_DIR:-/data}
packages=$data/packages
export PIPELINES_DIR=$data/pipelines

if ! cmp -s "$code/requirements.txt" "$packages/requirements.txt"; then
  echo "hal-auto: installing what the image lacks"
  rm -rf "$packages.new" "$packages"
  # --no-deps: the versions of the image stay as they are; see requirements.txt.
  python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore --no-deps \
    --target "$packages.new" -r "$code/requirements.txt"
  cp "$code/requirements.txt" "$packages.new/"
  mv "$packages.new" "$packages"
fi

# A link: the server keeps valves.json beside it, and moves it away when it cannot be loaded.
mkdir -p "$PIPELINES_DIR"
ln -sfn "$code/pipelines/hal_auto.py" "$PIPELINES_DIR/hal_auto.py"

# Before the image's own packages: it may carry an older client.
export PYTHONPATH=$packages:$code/pipelines${PYTHONPATH:+:$PYTHONPATH}
cd "$server"
exec bash start.sh
