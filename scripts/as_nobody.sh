#!/bin/sh
# Runs the tests of the walls once more as a user without rights: root has others. From root, on Linux.
# It needs a Python that everybody may run, of the version that the course is installed for.
set -eu
python=$(.venv/bin/python -c 'import sys; print(f"/usr/bin/python3.{sys.version_info.minor}")')
if [ "$(id -u)" -ne 0 ] || [ ! -x "$python" ] || ! command -v setpriv >/dev/null; then
  echo "as nobody: skipped, it takes root, setpriv and $python"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$python" -m venv --without-pip "$folder/venv"
printf '%s\n%s\n' "$packages" "$PWD/shared" >"$("$folder/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/course.pth"
printf '#!%s\nimport sys\nfrom labkit.cli import main\nsys.exit(main())\n' "$folder/venv/bin/python" >"$folder/venv/bin/lab"
chmod 755 "$folder/venv/bin/lab"
mkdir "$folder/home"
chown 65534:65534 "$folder/home"
chmod 755 "$folder"
if ! setpriv --reuid 65534 --regid 65534 --clear-groups test -r "$PWD/shared/labkit/__init__.py"; then
  echo "as nobody: skipped, others may not read this checkout"
  exit 0
fi
HOME=$folder/home TMPDIR=$folder/home PYTHONDONTWRITEBYTECODE=1 \
  setpriv --reuid 65534 --regid 65534 --clear-groups \
  "$folder/venv/bin/python" -m pytest -q -p no:cacheprovider "$@"
