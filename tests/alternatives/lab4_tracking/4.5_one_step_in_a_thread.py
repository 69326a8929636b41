# exercise: 4.5
# file: serve.py
# accepted: one look is one call in a thread, and only the swap comes back into the event loop
@dataclass
class Follower:
    models: lab2.Models
    tracking_uri: str
    alias: str
    folder: Path
    seconds: float
    version: str | None = None
    since: str | None = None
    why_not_newer: str | None = None
    damaged: str | None = None

    async def follow(self):
        kept = await asyncio.to_thread(self.kept)
        if kept:
            self.take(*kept)
        while True:
            found = await asyncio.to_thread(self.step)
            if isinstance(found, tuple):
                self.take(*found)
                await asyncio.to_thread(self.note)
            else:
                self.why_not_newer = found
            await asyncio.sleep(self.seconds)

    def kept(self):
        try:
            version = (self.folder / "good").read_text()
        except (OSError, ValueError):
            return None
        try:
            return version, *prepare(self.folder / f"v{version}", version)
        except Exception:
            logger.exception("what was kept is of no use")
            self.damaged = version
            return None

    def step(self):
        import httpx
        import mlflow

        where = {"name": REGISTERED, "alias": self.alias}
        try:
            answer = httpx.get(
                f"{self.tracking_uri}/api/2.0/mlflow/registered-models/alias", params=where, timeout=5, trust_env=False
            )
        except httpx.HTTPError as error:
            logger.warning("asked in vain", exc_info=error)
            return "The registry is not reached."
        if answer.status_code != 200:
            return f"There is no {self.alias}."
        version = answer.json()["model_version"]["version"]
        if version == self.version:
            return None
        try:
            place = self.folder / f"v{version}"
            if not place.exists() or version == self.damaged:
                beside = self.folder / "unfinished"
                shutil.rmtree(beside, ignore_errors=True)
                beside.mkdir(parents=True)
                source = answer.json()["model_version"]["source"]
                mlflow.artifacts.download_artifacts(
                    artifact_uri=source, dst_path=str(beside), tracking_uri=self.tracking_uri
                )
                (found,) = beside.iterdir()
                shutil.rmtree(place, ignore_errors=True)
                found.rename(place)
                self.damaged = None
            return version, *prepare(place, version)
        except Exception as error:
            logger.exception("not taken", exc_info=error)
            return f"Version {version} is broken."

    def take(self, version, artifact, pricer):
        self.models.ready = {**self.models.ready, SERVED: artifact}
        self.models.pricer = pricer
        self.version, self.why_not_newer = version, None
        self.since = datetime.now(UTC).isoformat()

    def note(self):
        write_atomically(self.folder / "good", self.version)
        for place in self.folder.glob("v*"):
            if place.name != f"v{self.version}":
                shutil.rmtree(place)

    def state(self):
        return {"version": self.version, "since": self.since, "why_not_newer": self.why_not_newer}


def prepare(folder, version):
    artifact = load_version(folder, version)
    price = artifact.model.predict(lab2.as_frame([EXAMPLE], list(artifact.metadata.features)))[0]
    assert abs(price) < float("inf")
    return artifact, make_pricer(artifact)
