# exercise: 4.8
# file: data_versions.py
# accepted: the small file is read line by line, and the tags are set in one call
import hashlib
import io

from mlflow import MlflowClient
from mlflow.entities import RunTag


def read_pointer(dvc_file):
    entries = [line.lstrip("- ").partition(": ") for line in Path(dvc_file).read_text().splitlines() if ": " in line]
    known = {}
    for name, _, value in entries:
        if name in known:
            raise DataMismatch("several files")
        known[name] = value.strip()
    if "nfiles" in known or known["md5"].endswith(".dir"):
        raise DataMismatch("a folder")
    return Pointer(Path(dvc_file).parent / known["path"], known["md5"], int(known["size"]))


def logged(run_id):
    return MlflowClient().get_run(run_id).data.tags


def agreed(content, md5, sha256):
    from lab4_tracking.lineage import fingerprint

    if hashlib.new("md5", content, usedforsecurity=False).hexdigest() != md5:
        raise DataMismatch("the file is not the one of its checksum")
    frame = pd.read_parquet(io.BytesIO(content))
    if sha256 is None or fingerprint(frame)["data.sha256"] != sha256:
        raise DataMismatch("the run had another table")
    return frame


def link_run(run_id, dvc_file):
    pointer = read_pointer(dvc_file)
    agreed(pointer.path.read_bytes(), pointer.md5, logged(run_id).get("data.sha256"))
    tags = [RunTag("dvc.md5", pointer.md5), RunTag("dvc.path", pointer.path.name)]
    MlflowClient().log_batch(run_id, tags=tags)


def data_of_run(run_id, store):
    tags = logged(run_id)
    if "dvc.md5" not in tags:
        raise DataMismatch("never linked")
    md5 = tags["dvc.md5"]
    return agreed(Path(store, "files/md5", md5[:2], md5[2:]).read_bytes(), md5, tags.get("data.sha256"))
