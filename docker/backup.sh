#!/usr/bin/env bash
# Saves or restores what the stack keeps: hal-auto's data (log, budget, valves, keys of the
# placeholders) and Open WebUI's (accounts, chats, settings). Models are not in it: Ollama pulls
# them again. It uses the stack's own images, so that nothing is downloaded.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: docker/backup.sh save FOLDER | restore FOLDER
Stops what it saves for as long as it takes. `restore` replaces what is there.
environment: COMPOSE, the command to use (docker compose)
example: docker/backup.sh save ~/backup/hal-auto-$(date +%F)
exit codes: 0 done, 1 it failed, 2 wrong usage
TEXT
}

case ${1:-}:${2:-} in
  save:?* | restore:?*) ;;
  -h: | --help:) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."
compose() { ${COMPOSE:-docker compose} "$@"; }

# SERVICE FOLDER-IN-THE-CONTAINER
parts="pipelines /data
open-webui /app/backend/data"

# SERVICE COMMAND: in a container of its own, with the backup at /backup.
inside() {
  compose run --rm --no-deps --no-TTY --volume "$folder:/backup" --entrypoint sh "$1" -c "$2" </dev/null
}

mkdir -p "$2"
folder=$(cd "$2" && pwd)
chmod 700 "$folder"  # keys and chats
running=$(compose ps --services --status running)
compose stop open-webui pipelines
while read -r service data; do
  case $1 in
    save) inside "$service" "tar -C $data -czf /backup/$service.tar.gz ." ;;
    restore)
      [ -f "$folder/$service.tar.gz" ] || { echo "there is no $service.tar.gz in $folder" >&2; exit 1; }
      inside "$service" "find $data -mindepth 1 -delete && tar -C $data -xzf /backup/$service.tar.gz" ;;
  esac
  echo "$1 $service: done"
done <<<"$parts"
if [ "$1" = save ] && [ -f .env ]; then cp .env "$folder/env"; fi
case $running in *open-webui*) compose start pipelines open-webui ;; esac
