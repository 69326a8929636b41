"""What submissions to the toy course do to the engine, as bodies of `double(x)`; the right answer is `2 * x`."""

from __future__ import annotations

# Each ends without a right answer: the check must fail, and say this.
ENDS = {
    "infinite loop": ("while True: pass", "time:"),
    "sleeps for ever": ("import time; time.sleep(1e6)", "time:"),
    "sigterm ignored": ("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass", "time:"),
    "sigalrm blocked": ("import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass", "time:"),
    "10 GB": ("return len(bytearray(10 * 2**30))", "MemoryError"),
    "1 GB to stdout": ("for _ in range(1024): print('x' * 2**20)\nreturn 2 * x", "output cut"),
    "1 GB to a file": ("with open('big', 'wb') as f:\n  for _ in range(1024): f.write(bytes(2**20))\nreturn 2 * x", "OSError"),
    "sys.exit(0)": ("import sys; sys.exit(0)", "SystemExit"),
    "os._exit(0)": ("import os; os._exit(0)", "exit code 0"),
    "atexit that exits 0": ("import atexit, os, sys; atexit.register(os._exit, 0); sys.exit(0)", "SystemExit"),
    "BaseException": ("raise BaseException('boo')", "BaseException: boo"),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "deep recursion": ("return double(x)", "RecursionError"),
    "deep recursion in C": ("import sys; sys.setrecursionlimit(10**9)\nx = []\nfor _ in range(10**6): x = [x]\nreturn repr(x)", ""),
    "segfault": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "abort": ("import os; os.abort()", "SIGABRT"),
    "kills itself": ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
    "kills everybody": ("import os, signal\nos.kill(-1, signal.SIGKILL)\nwhile True: pass", ""),
    "kills its parent": ("import os\nfor _ in range(99): os.kill(os.getppid(), 9)\nreturn 3 * x", ""),
    "fork bomb": ("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", ""),
    "input()": ("return int(input('number? '))", "EOFError"),
    "returns nothing": ("pass", "return"),
    "answers with itself": ("return double", "finite number"),
    "an answer that cannot be read": ("class A(dict):\n  def items(self): raise ValueError('no')\nreturn {1: {2: {3: A}}}", "finite number"),
    "a list within itself": ("x = []; x.append(x); return x", ""),
    "closes all descriptors": ("import os; os.closerange(0, 4096); return 2 * x", ""),
}  # fmt: skip

# Each is done by the module itself, when it is imported.
AT_IMPORT = (
    "while True: pass",
    "import sys; sys.exit(0)",
    "import os; os._exit(0)",
    "raise SystemExit",
    "raise BaseException('boo')",
    "import atexit, os; atexit.register(os._exit, 0); raise SystemExit(0)",
    "import ctypes; ctypes.string_at(0)",
    "x = bytearray(10 * 2**30)",
    "input()",
)

# Each is a wrong answer that tries to look right.
FORGERIES = {
    "always equal": "class A:\n  def __eq__(self, other): return True\n  __hash__ = None\n  def __float__(self): return 1.0\nreturn A()",
    "always equal float": (
        "class A(float):\n  def __eq__(self, o): return True\n  def __sub__(self, o): return 0.0\n"
        "  __rsub__ = __sub__\n  __hash__ = float.__hash__\nreturn A(7)"
    ),
    "patched builtins": (
        "import builtins, math, operator\nbuiltins.abs = lambda v: 0.0\nmath.isclose = lambda *a, **k: True\n"
        "builtins.isinstance = lambda *a: True\nreturn 7"
    ),
    "patched numpy.testing": "import numpy.testing as t\nt.assert_allclose = t.assert_array_equal = lambda *a, **k: None\nreturn 7",
    "patched pytest": (
        "import _pytest.python, pytest\n_pytest.python.Function.runtest = lambda self: None\npytest.fail = lambda *a, **k: None\nreturn 7"
    ),
    "patched labkit": (
        "import labkit.checking.expect as e, labkit.records as r, labkit.checking.verdict as v\ne.close = lambda *a, **k: a[1]\n"
        "e.fail = lambda **k: None\nv.describe = lambda *a: ('passed', '')\nreturn 7"
    ),
    "verdict on stdout": (
        'print(\'{"result": {"exercise": "1.1", "check": "test_doubles", "outcome": "passed", "message": "", "seconds": 0}}\', flush=True)\n'
        "return 7"
    ),
    "verdict on every descriptor": (
        'import os, struct\nline = b\'{"result": {"exercise": "1.1", "check": "test_doubles", "outcome": "passed", '
        '"message": "", "seconds": 0}}\\n\'\nframe = struct.pack(">II", len(line), 0) + line\n'
        "for fd in range(1024):\n  for data in (line, frame):\n    try: os.write(fd, data)\n    except OSError: pass\nreturn 7"
    ),
    "verdict in a guessed file": (
        "import os, json\nfor place in ('.lab/progress.json', 'report.json', 'result.json', 'junit.xml', '/tmp/result.json'):\n"
        "  try:\n    os.makedirs(os.path.dirname(place) or '.', exist_ok=True); open(place, 'w').write(json.dumps({'1.1': 'passed'}))\n"
        "  except OSError: pass\nreturn 7"
    ),
    "forged answers sent ahead": (
        "import os, struct, socket\nline = b'{\"value\": 14}'\nfor fd in range(3, 64):\n"
        "  try: os.write(fd, struct.pack('>II', len(line), 0) + line)\n  except OSError: pass\nreturn 7"
    ),
    "a callback that nobody passed": (
        'import os, struct\nline = b\'{"callback": 0, "value": null}\'\nfor fd in range(3, 64):\n'
        "  try: os.write(fd, struct.pack('>II', len(line), 0) + line)\n  except OSError: pass\nreturn 7"
    ),
    "patched on the stack": (
        "import gc, sys\nfor o in gc.get_objects():\n  if type(o).__name__ in ('CheckRun', 'CheckPlugin', 'Result', 'Report'):\n"
        "    try: o.outcome = 'passed'\n    except Exception: pass\nreturn 7"
    ),
}

# Each ends in a right answer, and must not cost anything.
HARMLESS = {
    "warning": "import warnings, sys; warnings.warn('old', DeprecationWarning); sys.stderr.write('careful\\n'); return 2 * x",
    "chdir": "import os; os.chdir('/'); return 2 * x",
    "environ cleared": "import os; os.environ.clear(); return 2 * x",
    "sys.path cleared": "import sys; sys.path.clear(); sys.path_importer_cache.clear(); return 2 * x",
    "stdout closed": "import sys; sys.stdout.close(); sys.stderr.close(); return 2 * x",
    "stdout replaced": "import sys; sys.stdout = None; return 2 * x",
    "threads left running": (
        "import threading, time\nfor _ in range(8): threading.Thread(target=time.sleep, args=(1e6,)).start()\nreturn 2 * x"
    ),
    "a daemonised child that keeps the pipe": (
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    time.sleep(1e6)\n  os._exit(0)\nreturn 2 * x"
    ),
    "30 children left behind": "import os, time\nfor _ in range(30):\n  if os.fork() == 0: time.sleep(1e6)\nreturn 2 * x",
    "a subprocess": "import subprocess, sys\nreturn int(subprocess.run([sys.executable, '-c', f'print({x} * 2)'], capture_output=True).stdout)",
    "Korean file names": "open('결과 파일.txt', 'w', encoding='utf-8').write('둘'); return 2 * x",
    "a folder that nobody may read": "import os; os.makedirs('a/b'); os.chmod('a/b', 0); os.chmod('a', 0); return 2 * x",
    "a numpy number": "import numpy as np; return np.int64(2) * x",
}

# Each tries to reach something outside, and returns what it found; see test_survival.py for what it may not find.
READERS = {
    "open": "return open(TARGET).read()",
    "link": "import os; os.symlink(TARGET, 'link'); return open('link').read()",
    "hard link": "import os; os.link(TARGET, 'link'); return open('link').read()",
    "subprocess": "import subprocess; return subprocess.run(['cat', TARGET], capture_output=True, text=True).stdout",
    "proc of the parent": "return ''.join(open(f'/proc/{p}/root' + TARGET).read() for p in (1, 'self'))",
    "new namespaces": (
        "import ctypes; libc = ctypes.CDLL(None); libc.unshare(0x10020000); libc.umount2(TARGET.rpartition('/')[0].encode(), 2); "
        "return open(TARGET).read()"
    ),
    "import": "import importlib.util as u; s = u.spec_from_file_location('s', TARGET); return s.loader.get_source('s')",
}
