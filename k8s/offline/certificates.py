"""One authority, a certificate for each part, and the kubeconfigs that carry them."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

DAYS = "365"


@dataclass(frozen=True)
class Authority:
    """The folder of keys and certificates. What is there already is not made again."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path("ca.crt").exists():
            self._key("ca")
            self._openssl(
                "req", "-x509", "-new", "-key", "ca.key", "-days", DAYS, "-subj", "/CN=mlops-lab", "-out", "ca.crt"
            )
        if not self.path("accounts.pub").exists():  # signs the tokens of service accounts
            self._openssl("genrsa", "-out", "accounts.key", "2048")
            self._openssl("rsa", "-in", "accounts.key", "-pubout", "-out", "accounts.pub")

    def path(self, name: str) -> Path:
        return self.folder / name

    def certify(self, name: str, subject: str, *names: str) -> None:
        """Make `name`.key and `name`.crt for a subject and its addresses (`DNS:localhost`, `IP:127.0.0.1`)."""
        if self.path(f"{name}.crt").exists():
            return
        self._key(name)
        lines = ["basicConstraints=CA:FALSE", "keyUsage=digitalSignature", "extendedKeyUsage=serverAuth,clientAuth"]
        if names:
            lines.append(f"subjectAltName={','.join(names)}")
        self.path(f"{name}.ext").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
        self._openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", DAYS, "-extfile", f"{name}.ext", "-out", f"{name}.crt",
        )  # fmt: skip

    def kubeconfig(self, name: str, server: str, to: Path) -> Path:
        """Write how `name` reaches the API at `server`, with its certificate inside."""

        def data(file: str) -> str:
            return base64.b64encode(self.path(file).read_bytes()).decode()

        cluster = {"server": server, "certificate-authority-data": data("ca.crt")}
        user = {"client-certificate-data": data(f"{name}.crt"), "client-key-data": data(f"{name}.key")}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "mlops-lab", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "mlops-lab", "context": {"cluster": "mlops-lab", "user": name}}],
            "current-context": "mlops-lab",
        }
        to.touch(mode=0o600)
        to.write_text(json.dumps(content, indent=1), encoding="utf-8")
        return to

    def _key(self, name: str) -> None:
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
