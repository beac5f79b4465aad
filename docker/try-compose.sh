#!/usr/bin/env bash
# Brings docker-compose.yml up with a real Docker engine and goes through a life of it: first start,
# health checks, first chat, a valve, restart, an update over an old valves.json, backup, down.
#
# No image registry is needed: the four images are stand-ins, built from what `make` installs for
# the tests (docker/try/Dockerfile). What they cannot show: the official images themselves, a GPU,
# a 30B model. See docs/compose.md.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: docker/try-compose.sh [--base IMAGE | --images-are-there] [--browser] [--keep]

Needs a Docker engine, Compose v2 (`docker compose`, or the one in .venv), 12 GB of disk, and
Python 3.11 environments: make setup .venv-webui/.installed PYTHON=python3.11
  --base IMAGE  a Debian 12 image with python3, python3-pip, curl, wget and libgomp1; without it
                one is made with debootstrap (as root)
  --images-are-there  take the stand-ins of an earlier run
  --browser     make the first account and ask the first question in a real browser, and say how
                long each step took from `git clone` on (needs Playwright and Chromium)
  --keep        leave the stack running at the end
What is tried is the last commit of this repository.
environment: WEBUI_PORT (3999), ENVIRONMENTS (the folder with .venv and the others),
  WEBUI_PYTHON (the interpreter with Open WebUI)
example: docker/try-compose.sh --base hal-auto-try/base
exit codes: 0 every step passed, 1 one did not, 2 wrong usage or something is missing
TEXT
}

base='' keep='' built='' browser=''
while [ $# -gt 0 ]; do
  case $1 in
    --base) base=${2:?--base needs an image}; shift 2 ;;
    --images-are-there) built=yes; shift ;;
    --browser) browser=yes; shift ;;
    --keep) keep=yes; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

repository=$(cd "$(dirname "$0")/.." && pwd)
cd "$repository"
work=$repository/build/try-compose
tag=hal-auto-try
port=${WEBUI_PORT:-3999}
environments=${ENVIRONMENTS:-$repository}
webui_python=${WEBUI_PYTHON:-$environments/.venv-webui/bin/python}
models=qwen2.5-coder:0.5b
fetch='
import shutil, sys
from pathlib import Path
from hal.embedded.catalogue import find
from hal.embedded.fetch import ensure_model
for name in sys.argv[2:]:
    shutil.copy(ensure_model(find(name)), sys.argv[1])
'

say() { printf '== %s\n' "$*" >&2; }
need() { printf 'missing: %s\n' "$*" >&2; exit 2; }

docker info >/dev/null 2>&1 || need "a running Docker engine that this user may use"
if docker compose version >/dev/null 2>&1; then compose=(docker compose)
elif [ -x "$environments/.venv/bin/docker-compose" ]; then compose=("$environments/.venv/bin/docker-compose")
else need "Compose v2"; fi

python=$environments/.venv/bin/python

export COMPOSE="${compose[*]}"  # for docker/backup.sh

packages_of() {
  local folder
  folder=$("$1" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' 2>/dev/null) || true
  case $folder in
    */python3.11/site-packages) printf '%s' "$folder" ;;
    *) need "Python 3.11 environment $1: make setup .venv-webui/.installed PYTHON=python3.11" ;;
  esac
}

# --- Images -------------------------------------------------------------------------------------

make_base() {
  command -v debootstrap >/dev/null || need "debootstrap, or --base IMAGE"
  say "base image, with debootstrap"
  debootstrap --variant=minbase --include=python3,python3-pip,curl,wget,ca-certificates,libgomp1 \
    bookworm "$work/base" >"$work/debootstrap.log"
  tar -C "$work/base" -c . | docker import - "$tag/base" >/dev/null
  rm -rf "$work/base"
}

# NAME PYTHON: everything that one environment has installed, on top of the base.
packages() {
  docker build --quiet --tag "$tag/$1-packages" --target packages \
    --build-arg BASE="$base" --file docker/try/Dockerfile "$(packages_of "$2")" >/dev/null
}

image() {
  docker build --quiet --tag "$2:$tag" --target "$1" --build-arg MODELS="$models" \
    --file docker/try/Dockerfile "$work/context" >/dev/null
}

prepare_context() {
  rm -rf "$work/context"
  mkdir -p "$work/context/wheels" "$work/context/models"
  cp -r pipelines docker/requirements.txt docker/try/ollama.py "$work/context/"
  "$python" -m pip download --quiet --quiet --no-deps --dest "$work/context/wheels" \
    -r docker/requirements.txt
  PYTHONPATH=pipelines "$python" -c "$fetch" "$work/context/models" $models
}

make_images() {
  if [ -z "$base" ]; then base=$tag/base; make_base; fi
  say "images, from what is installed here"
  packages open-webui "$webui_python"
  packages pipelines "$environments/.venv-pinned/bin/python"
  packages engine "$environments/.venv/bin/python"
  packages searxng "$environments/.venv-searxng/bin/python"
  prepare_context
  image open-webui ghcr.io/open-webui/open-webui
  image pipelines ghcr.io/open-webui/pipelines
  image ollama ollama/ollama
  image searxng docker.io/searxng/searxng
}

mkdir -p "$work"
[ -n "$built" ] || make_images

# --- The stack ----------------------------------------------------------------------------------

project=$work/project
rm -rf "$project"
start=$(date +%s.%N)
git clone --quiet "$repository" "$project"
cd "$project"
make --no-print-directory env >&2
sed -i -e "s/^HAL_LOCAL_MODEL=.*/HAL_LOCAL_MODEL=$models/" \
  -e "s/^HAL_CLASSIFIER_MODEL=.*/HAL_CLASSIFIER_MODEL=$models/" .env
cat >>.env <<TEXT
COMPOSE_PROJECT_NAME=$tag
WEBUI_PORT=$port
OPEN_WEBUI_TAG=$tag
PIPELINES_TAG=$tag
OLLAMA_TAG=$tag
SEARXNG_TAG=$tag
# A model without a GPU decides slowly.
HAL_ADVANCED=CLASSIFIER_DEADLINE_S=20
TEXT

stack() { "${compose[@]}" "$@"; }
check() { say "$1"; python3 "$repository/docker/try/check.py" "$port" "$@"; }
end() {
  status=$?
  [ $status -eq 0 ] || stack logs --tail 40 >&2 || true
  [ -n "$keep" ] || stack down --volumes --remove-orphans >/dev/null 2>&1 || true
  exit $status
}
trap end EXIT

# All four, ollama-pull has ended by then. Not `--wait`: to it an end is a failure, also of that one.
healthy() {
  say "$1"
  began=$(date +%s)
  stack up --detach ${2:-} >&2
  until [ "$(stack ps --format '{{.Health}}' | grep -cx healthy)" -eq 4 ]; do
    [ $(($(date +%s) - began)) -lt 600 ] || { echo "not healthy within 600 s" >&2; stack ps >&2; exit 1; }
    sleep 2
  done
  say "all four healthy after $(($(date +%s) - began)) s"
}

first_answer() {
  say "first answer in the browser"
  "$python" "$repository/docker/try/first_answer.py" "$port" "$start" "$work/first-answer.png"
}

stack down --volumes --remove-orphans >/dev/null 2>&1 || true
if [ -n "$browser" ]; then
  stack up --detach >&2
  first_answer
fi
healthy "first start"
check first
check valve
say "restart"
stack restart >&2
healthy "after the restart"
check kept

say "an old valves.json, with a value and a name that are none any more"
stack stop pipelines >&2
stack run --rm --no-deps --entrypoint bash pipelines -c \
  "printf '%s' '{\"CLOUD_CONFIDENCE\": \"high\", \"OLD_VALVE\": 1, \"STICKY\": false}' \
   > /data/pipelines/hal_auto/valves.json" >&2
healthy "update: all containers made anew" --force-recreate
check updated

say "backup, loss of everything, restore"
docker/backup.sh save "$work/backup" >&2
stack down --volumes >&2
docker/backup.sh restore "$work/backup" >&2
healthy "after the restore"
check restored
[ -n "$keep" ] || stack down >&2
say "every step passed"
