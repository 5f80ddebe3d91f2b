"""Modules of the library that look at the interpreter."""

SCRIPTS = {
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
