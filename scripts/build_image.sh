#!/bin/sh
# Build the image of a lab's service: build_image.sh 2 [ARGUMENT OF docker build]...
# TRACK=labs (yours, the default) or TRACK=solutions; TAG names the image; DOCKER is the client.
set -eu
cd "$(dirname "$0")/.."
number=${1:?usage: build_image.sh LAB}
shift
track=${TRACK:-labs}
docker=${DOCKER:-docker}
folder=$(find "$track" -maxdepth 1 -type d -name "lab${number}_*" | head -n 1)
if [ ! -f "$folder/Dockerfile" ]; then
    echo "error: no Dockerfile of lab \`$number\` in \`$track/\`" >&2
    exit 2
fi
name=$(basename "$folder" | tr _ -)
tag=${TAG:-mlops-lab/$name:$track}

# Docker reads `NAME.dockerignore` beside the file `NAME`, wherever the two stand; the context stays the top folder.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
cp "$folder/Dockerfile" "$scratch/Dockerfile"
[ ! -f "$folder/.dockerignore" ] || cp "$folder/.dockerignore" "$scratch/Dockerfile.dockerignore"

revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
DOCKER_BUILDKIT=1 "$docker" build --file "$scratch/Dockerfile" --tag "$tag" --network "$(sh scripts/docker_network.sh)" \
    --build-arg "TRACK=$track" --build-arg "REVISION=$revision" "$@" .
echo "$tag is built. Run it: docker run --rm --read-only --cap-drop ALL --publish 8000:8000 $tag"
