"""A small server for `lab up`: python -m toy_server PORT STATE HOW.

It has a child as MLflow has one, and where it can (Linux) a process that has left its parent and its group.
"""

import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT, STATE, HOW = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
WAIT = "import signal; signal.pause()"
RUNAWAY = f"""
import subprocess, sys
print(subprocess.Popen([sys.executable, "-c", "{WAIT}"], stdout=subprocess.DEVNULL, start_new_session=True).pid)
"""
SICK_FIRST = 3


class Handler(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        path, _, word = self.path.partition("?")
        status = 200
        if path == "/health":
            Handler.asked += 1
            status = 503 if HOW == "never" or Handler.asked <= SICK_FIRST else 200
        elif path == "/asked":
            word = str(Handler.asked)
        elif path == "/say":
            sys.stdout.buffer.write(word.encode() + b" \xff\n")
        elif path == "/environment":
            word = os.environ.get(word, "-")
        elif path == "/exit":
            print("the disk is full")
            os._exit(int(word))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(word.encode())

    def log_message(self, *_: object) -> None:
        pass


if HOW == "early":
    sys.exit("no database here")
if HOW == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: (print("good bye"), os._exit(0)))
pids = [os.getpid(), subprocess.Popen([sys.executable, "-c", WAIT]).pid]
if sys.platform == "linux":
    made = subprocess.run([sys.executable, "-c", RUNAWAY], stdout=subprocess.PIPE, text=True, check=True)
    pids.append(int(made.stdout))
with (STATE / "pids").open("a") as file:
    print(*pids, file=file)
print("started on", PORT)
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
