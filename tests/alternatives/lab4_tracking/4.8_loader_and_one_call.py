# exercise: 4.8
# file: data_versions.py
# accepted: the loader of PyYAML with a check of what it found, and the tags are set in one call
import hashlib
import io

import yaml
from mlflow import MlflowClient
from mlflow.entities import RunTag


def read_pointer(dvc_file):
    with open(dvc_file, "rb") as file:
        match yaml.load(file, Loader=yaml.SafeLoader):
            case {"outs": [{"path": str(path), "md5": str(md5), "size": int(size)} as only]} if "nfiles" not in only:
                return Pointer(Path(dvc_file).parent / path, md5, size)
    raise DataMismatch("a folder, or several files")


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
    tags = [RunTag("dvc.md5", pointer.md5), RunTag("dvc.path", pointer.path.relative_to(dvc_file.parent).as_posix())]
    MlflowClient().log_batch(run_id, tags=tags)


def data_of_run(run_id, store):
    tags = logged(run_id)
    if "dvc.md5" not in tags:
        raise DataMismatch("never linked")
    md5 = tags["dvc.md5"]
    return agreed(Path(store, "files/md5", md5[:2], md5[2:]).read_bytes(), md5, tags.get("data.sha256"))
