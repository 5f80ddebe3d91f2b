"""Scripts that look at all which a forked interpreter might do otherwise than a new one.

Each prints only what must be alike in two runs of it. A table, hence so long.
"""

BESIDE = {
    "near.py": b"import sys\nNAME = __name__, __file__\nclass Thing:\n    def __del__(self):\n"
    b"        print('near gone')\nthing = Thing()\n",
    "package/__init__.py": b"from .inner import VALUE\n",
    "package/inner.py": b"VALUE = 'inner'\ndef fail():\n    raise KeyError('from inner')\n",
    "data/table.csv": b"a,b\n1,2\n",
    "keeping.py": b"import __main__, sys\nmain = __main__\nnames = vars(__main__)\n",
    "worker.py": b"import os\ndef double(x):\n    return x * 2\n",
}

SCRIPTS = {
    "main_module": """
        import sys
        print(__name__, __file__, __builtins__, __spec__, __package__, __doc__, __cached__)
        print(sorted(vars()), type(__loader__).__name__, __loader__.name, __loader__.path)
        print(sys.modules["__main__"].__dict__ is globals(), sys.modules["__main__"])
    """,
    "doc_and_annotations": '''
        """What it does."""
        x: int = 1
        print(__doc__, __annotations__)
    ''',
    "future": """
        from __future__ import annotations
        def f(x: Unknown) -> Unknown: ...
        print(f.__annotations__)
    """,
    "sys": """
        import sys
        print(sys.argv, sys.orig_argv[1:], sys.path, sys.executable, sys.prefix, sys.base_prefix)
        print(sys.flags, sys.getrecursionlimit(), sys.warnoptions, sys._xoptions, sys.platlibdir)
        print(sys.getswitchinterval(), sys.gettrace(), sys.getprofile(), sys.meta_path)
        print(sys.stdin, sys.stdout, sys.stderr, sys.stdin.read(), sys.stdin.seekable())
        print(sys.excepthook is sys.__excepthook__, sys.stdout is sys.__stdout__, sys.path_hooks)
    """,
    "gc": "import gc; print(gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks)",
    "modules": """
        import sys
        print([name for name in sys.modules if name.split(".")[0] in ("services", "libs")])
        try:
            import services
        except ImportError as error:
            print(error)
    """,
    "traceback": """
        def f(x):
            return 1 / x
        def g():
            f(0)
        g()
    """,
    "chained": """
        def f():
            try:
                {}["absent"]
            except KeyError as error:
                raise ValueError("no") from error
        try:
            f()
        except ValueError:
            raise RuntimeError("while handling")
    """,
    "group": "raise ExceptionGroup('several', [ValueError(1), TypeError('two')])",
    "traceback_in_package": "from package import inner\\ninner.fail()".replace("\\n", "\n"),
    "syntax_error": "print('never')\nif True print(1)\n",
    "indentation": "if True:\nprint(1)\n",
    "encoding": "# -*- coding: latin-1 -*-\nprint(ascii('\xe9'))\n",
    "bad_encoding": "# -*- coding: nonsense -*-\nprint(1)\n",
    "syntax_warning": "print(1 is 1)\n",
    "recursion": "def f(n):\n    return f(n + 1)\nf(0)\n",
    "deep": """
        import sys
        def f(n):
            return n and f(n - 1)
        print(f(sys.getrecursionlimit() - 10))
    """,
    "exit_text": "import sys; sys.exit('a message')",
    "exit_none": "import sys; sys.exit()",
    "exit_large": "import sys; sys.exit(300)",
    "exit_negative": "import sys; sys.exit(-1)",
    "exit_tuple": "raise SystemExit(1, 2)",
    "exit_huge": "import sys; sys.exit(2**70)",
    "exit_just_too_large": "import sys; sys.exit(2**63)",
    "exit_least": "import sys; sys.exit(-2**63)",
    "exit_multiple_of_256": "import sys; sys.exit(2**32)",
    "exit_true": "import sys; sys.exit(True)",
    "exit_own_number": """
        class Number(int):
            def __and__(self, other): return 0
            def __str__(self): return "no"
        raise SystemExit(Number(5))
    """,
    "exit_object": """
        class Broken:
            def __str__(self): raise ValueError("no words")
        raise SystemExit(Broken())
    """,
    "exit_without_code": """
        class Coy(SystemExit):
            @property
            def code(self): raise ValueError("I won't tell")
        raise Coy(3)
    """,
    "exit_without_stderr": "import sys; sys.stderr = None; sys.exit('a message')",
    "exit_in_thread": """
        import sys, threading
        threading.Thread(target=sys.exit, args=(9,)).start()
    """,
    "exit_at_exit": "import atexit, sys; atexit.register(lambda: sys.exit(3)); print('main')",
    "exit_in_excepthook": "import sys; sys.excepthook = lambda *a: sys.exit(2**70); 1 / 0",
    "interrupted_at_end": """
        import os, signal, threading
        def interrupt():
            threading.main_thread().join(0.2)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
    """,
    "stdout_broken": """
        import sys
        class Broken:
            def write(self, text): return len(text)
            def flush(self): raise OSError("no room")
        sys.stdout = Broken()
    """,
    "stderr_broken": """
        import sys
        class Broken:
            def write(self, text): return len(text)
            def flush(self): raise OSError("no room")
        sys.stderr = Broken()
        sys.exit(3)
    """,
    "stdout_descriptor_closed": """
        import os, sys
        sys.stdout = open(1, "w", closefd=False)
        print("never seen")
        os.close(1)
    """,
    "no_modules": """
        import sys, json
        sys.modules["absent"] = None
        sys.modules["odd"] = "text"
        del sys.modules["__main__"], sys.modules["json"]
        class Noisy:
            def __del__(self): print("gone")
        noisy = Noisy()
    """,
    "os_exit": "import os; print('a', end=''); os._exit(7)",
    "interrupt": "import os, signal; os.kill(os.getpid(), signal.SIGINT); signal.pause()",
    "abort": "import os; os.abort()",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "excepthook": "import sys; sys.excepthook = lambda *a: print('hook', a[0], a[1]); 1 / 0",
    "broken_excepthook": "import sys; sys.excepthook = lambda *a: 1 / 0; int('x')",
    "atexit": """
        import atexit
        atexit.register(print, "second")
        atexit.register(lambda: 1 / 0)
        atexit.register(print, "first")
        print("main")
    """,
    "threads": """
        import threading, atexit
        atexit.register(print, "at exit")
        go = threading.Event()
        def work():
            go.wait()
            print("after main", threading.current_thread().name, threading.main_thread().is_alive())
        thread = threading.Thread(target=work)
        thread.start()
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        print(threading.active_count(), threading.current_thread(), threading.main_thread().name)
        threading.Timer(0.05, go.set).start()
    """.replace("threading.current_thread(),", "threading.current_thread().name,"),
    "thread_failure": """
        import threading
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
    """,
    "executor": """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        future = pool.submit(print, "from a pool")
    """,
    "finalisers": """
        import weakref
        class Noisy:
            def __init__(self, name): self.name = name
            def __del__(self): print("gone", self.name)
        class Ring: pass
        one = Noisy("global")
        ring = Ring(); ring.self = ring; ring.noisy = Noisy("in a ring")
        kept = Ring()
        weakref.finalize(kept, print, "finalised")
        file = open("written", "w")
        file.write("not closed")
    """,
    "finalisers_of_garbage": """
        import near
        class Ring:
            def __init__(self, name): self.me, self.name = self, name
            def __del__(self):
                import json, near
                print("gone", self.name, json.dumps(near.NAME), Ring is not None)
        Ring("held by nobody")
        ring = Ring("held by a name")
        del ring
    """,
    "pool_left_open": """
        import multiprocessing
        if __name__ == "__main__":
            pool = multiprocessing.Pool(2)
            print(pool.map(abs, [-3]))
    """,
    "finalisers_too_late": """
        import sys, near
        class Ring:
            def __init__(self, name): self.me, self.name = self, name
            def __del__(self): print("gone", self.name); sys.stderr.write("to stderr"); 1 / 0
        near.thing = None
        near.Thing.ring = Ring("held by a class of a module")
        Ring.other = Ring("held by its own class")
        sys.kept = Ring("held by sys")
        sys.modules["other"] = Ring("no module")
    """,
    "unclosed_file": """
        import subprocess, sys
        code = "f = open('out', 'w'); f.write('text')"
        file = open("later", "w")
        file.write("text")
        subprocess.run([sys.executable, "-c", "import time"], check=True)
        def watch():
            import os
            print(os.path.getsize("later"))
        import atexit; atexit.register(watch)
    """,
    "signals": """
        import signal
        print([(s.name, str(signal.getsignal(s))) for s in sorted(signal.valid_signals())
               if isinstance(s, signal.Signals) and signal.getsignal(s) != signal.SIG_DFL]
              == [("SIGINT", str(signal.default_int_handler)), ("SIGPIPE", "1"), ("SIGXFSZ", "1")]
              or [(str(s), signal.getsignal(s) in (signal.SIG_IGN, signal.default_int_handler))
                  for s in signal.valid_signals()])
        signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        signal.pause()
        print(signal.set_wakeup_fd(-1), signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    """,
    "os_fork": """
        import os, atexit
        atexit.register(lambda: print("exit of", "child" if os.getpid() != me else "parent"))
        me = os.getpid()
        if os.fork() == 0:
            print("child", os.getppid() == me)
            raise SystemExit(5)
        print("parent", os.waitstatus_to_exitcode(os.wait()[1]))
    """,
    "subprocess": """
        import os, subprocess, sys
        print(subprocess.run([sys.executable, "-c", "import sys; print(sys.argv, sys.path[1:])"],
              capture_output=True, text=True).stdout)
        print(subprocess.check_output(["sh", "-c", "env | cut -d= -f1 | sort"], text=True))
        subprocess.run([sys.executable, "-c", "print('to our stdout')"], check=True)
    """,
    "multiprocessing_fork": """
        import multiprocessing, os
        def f(x): return x * x
        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(2) as pool:
                print(pool.map(f, range(5)))
    """,
    "multiprocessing_spawn": """
        import multiprocessing, sys
        def f(x): return x * x, __name__, sys.argv
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(f, range(3)))
    """,
    "own_classes": """
        import concurrent.futures, dataclasses, enum, multiprocessing, sys
        @dataclasses.dataclass
        class Point:
            x: int
        class Colour(enum.Enum):
            RED = 1
        class Fault(Exception): pass
        def f(x): return Point(x), Colour.RED
        def fail(x): raise Fault(x)
        if __name__ == "__main__":
            print(sys.modules["__main__"] is sys.modules.get("__mp_main__"))
            for kind in "spawn", "forkserver", "fork":
                context = multiprocessing.get_context(kind)
                with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
                    print(kind, [isinstance(p, Point) and c is Colour.RED
                                 for p, c in pool.map(f, range(2))])
                    print(isinstance(pool.submit(fail, 1).exception(), Fault))
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map_async(f, range(2)).get(timeout=20))
    """,
    "kept_main": """
        import keeping, __main__
        class Thing: pass
        print(keeping.main is __main__, keeping.names is globals(), keeping.main.Thing is Thing)
    """,
    "multiprocessing_forkserver": """
        import multiprocessing
        import worker
        if __name__ == "__main__":
            context = multiprocessing.get_context("forkserver")
            queue = context.Queue()
            process = context.Process(target=worker.double, args=(2,))
            process.start(); process.join()
            print(process.exitcode, multiprocessing.current_process().name)
            print(multiprocessing.parent_process(), multiprocessing.active_children())
    """,
    "process_pool": """
        from concurrent.futures import ProcessPoolExecutor
        import worker
        if __name__ == "__main__":
            with ProcessPoolExecutor(2) as pool:
                print(list(pool.map(worker.double, range(4))))
    """,
    "shared_memory": """
        from multiprocessing import shared_memory
        block = shared_memory.SharedMemory(create=True, size=16)
        block.buf[0] = 7
        print(block.buf[0]); block.close(); block.unlink()
    """,
    "pickle": """
        import pickle
        class Point:
            def __init__(self, x): self.x = x
        print(pickle.loads(pickle.dumps(Point(3))).x, Point, pickle.dumps(Point)[:40])
    """,
    "inspect": """
        import inspect, linecache
        def f():
            "Its docstring."
            return 1
        print(inspect.getsource(f), inspect.getfile(f), inspect.getsourcelines(f)[1])
        print(linecache.getline(__file__, 2), inspect.getmodule(f).__name__)
    """,
    "warnings": """
        import warnings
        def old():
            warnings.warn("old", DeprecationWarning, stacklevel=2)
        warnings.warn("user")
        old()
        print(warnings.filters)
    """,
    "resource_warning": "open('data/table.csv').read(); print('quiet')",
    "logging": """
        import logging
        logging.getLogger("a").warning("to stderr")
        logging.basicConfig(format="%(levelname)s %(name)s %(module)s %(lineno)d %(message)s")
        logging.getLogger("b").error("formatted")
        try:
            1 / 0
        except ZeroDivisionError:
            logging.exception("caught")
        record = logging.LogRecord("n", 1, "p", 1, "m", (), None)
        print(record.relativeCreated < 60000, record.processName, record.threadName)
    """,
    "asyncio": """
        import asyncio, contextvars
        name = contextvars.ContextVar("name", default="none")
        async def main():
            process = await asyncio.create_subprocess_exec("echo", "child", stdout=-1)
            out, _ = await process.communicate()
            await asyncio.to_thread(print, "in a thread")
            return out, asyncio.current_task().get_name(), name.get()
        print(asyncio.run(main()))
    """,
    "dataclasses": """
        import dataclasses, enum, typing
        @dataclasses.dataclass(frozen=True)
        class Point:
            x: int
            y: typing.List[int] = dataclasses.field(default_factory=list)
        class Colour(enum.Enum):
            RED = 1
        print(Point(1), Colour.RED, typing.get_type_hints(Point), dataclasses.asdict(Point(2)))
    """,
    "name_is_main": """
        def main():
            print("as a program")
        if __name__ == "__main__":
            main()
    """,
    "local_modules": """
        import near, package, sys
        from package import inner
        print(near.NAME, package.VALUE, package.__path__, inner.__file__, near.__spec__)
    """,
    "reload": "import importlib, near; print(importlib.reload(near) is near)",
    "dynamic_import": """
        import importlib.util, importlib.metadata, pkgutil
        print(importlib.util.find_spec("near").origin, importlib.metadata.version("msgspec"))
        print([m.name for m in pkgutil.iter_modules(["."])])
        try:
            import absent_module
        except ModuleNotFoundError as error:
            print(error, error.name)
    """,
    "relative_data": "print(open('data/table.csv').read(), __import__('os').listdir('data'))",
    "environment": """
        import os, posixpath, tempfile, pathlib, locale, time
        print(sorted(os.environ.items()), os.getcwd(), oct(os.umask(0)))
        print(tempfile.gettempdir(), pathlib.Path.home(), posixpath.expanduser("~"), time.tzname)
        print(locale.getlocale(), locale.getpreferredencoding(), os.device_encoding(1))
    """,
    "process": """
        import os, resource
        print(os.getsid(0) == os.getpid() == os.getpgrp(), os.getgroups(), os.getresuid())
        # Not NPROC, of which the kernel counts more than our own where runs share a uid.
        for name in "AS", "CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "NOFILE", "RSS", "STACK":
            print(name, resource.getrlimit(getattr(resource, f"RLIMIT_{name}")), os.nice(0))
        status = dict(l.split(":", 1) for l in open("/proc/self/status"))
        # Not CapBnd, which says only what could be had in a namespace if there were a way to.
        for name in "CapInh", "CapPrm", "CapEff", "CapAmb", "SigBlk", "SigIgn", "SigCgt", "Threads":
            print(name, status[name], status["NoNewPrivs"], status["Seccomp"], status["Name"])
        print(open("/proc/self/cmdline").read().strip("\\0").split("\\0")[1:])
        print(sorted(os.listdir("/proc/self/fd")), os.readlink("/proc/self/fd/0"))
        print(sorted(os.sched_getaffinity(0)), os.cpu_count())
    """,
    "capabilities_after_exec": """
        import subprocess
        print(subprocess.check_output(["grep", "Cap[EPIA]", "/proc/self/status"], text=True))
        print(subprocess.run(["mount", "-t", "tmpfs", "x", "/tmp"], capture_output=True).returncode)
        print(subprocess.run(["id"], capture_output=True, text=True).stdout)
    """,
    "time": """
        import time
        print(time.process_time() < 5, time.perf_counter() > 0, time.strftime("%Z"))
        print(time.localtime(0)[:6])
    """,
    "c_extensions": """
        import msgspec, zstandard, aiohttp
        class User(msgspec.Struct):
            name: str
            age: int = 0
        print(msgspec.json.decode(b'{"name": "x"}', type=User), msgspec.json.encode(User("y", 2)))
        try:
            msgspec.json.decode(b'{"name": 1}', type=User)
        except msgspec.ValidationError as error:
            print(error)
        print(zstandard.decompress(zstandard.compress(b"abc" * 100))[:6], aiohttp.ClientTimeout(3))
        import uuid, datetime
        print(msgspec.to_builtins({"a": datetime.date(2024, 1, 1), "b": uuid.UUID(int=5)}))
    """,
    "standard_library": """
        import csv, sqlite3, hashlib, zlib, decimal, ssl, json, re, uuid, ctypes, socket, select
        print(sqlite3.connect(":memory:").execute("select 1+1").fetchone(), decimal.Decimal("1.10"))
        print(hashlib.sha256(b"x").hexdigest(), zlib.crc32(b"x"), list(csv.reader(["a,b"])))
        print(ssl.create_default_context().verify_mode, uuid.uuid5(uuid.NAMESPACE_DNS, "x"))
        a, b = socket.socketpair(); a.send(b"hi"); print(b.recv(2), ctypes.sizeof(ctypes.c_long))
    """,
    "large_output": "import os\nfor n in range(5000): print('x' * 80, n)\nos.write(2, b'e' * 7)\n",
    "stdout_without_newline": "print('a', end=''); import sys; sys.stderr.write('b')",
    "stdout_closed": "import sys; print('a'); sys.stdout.close()",
    "stdout_replaced": "import sys, io; sys.stdout = io.StringIO(); print('lost')",
    "bytes_and_unicode": "import sys; print('ü'); sys.stdout.buffer.write(b'\\xff\\n')",
    "surrogates": "print('\\udc80')",
    "input": "print(input('ask: '))",
    "exec_self": """
        import os, sys
        if os.environ.get("AGAIN"):
            print("again", sys.argv)
        else:
            os.environ["AGAIN"] = "1"
            os.execv(sys.executable, [sys.executable, "-u", *sys.argv, "more"])
    """,
    "runpy": "import runpy; print(runpy.run_path('worker.py')['double'](21))",
    "code_object": """
        import sys
        frame = sys._getframe()
        print(frame.f_code.co_filename, frame.f_code.co_name, frame.f_lineno)
        print(compile("1", "x", "eval").co_flags, exec("y = 1"), y)
    """,
    "empty": "",
    "comment": "# nothing\n",
}
