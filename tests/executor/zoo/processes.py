"""Signals, and processes that a script starts."""

SCRIPTS = {
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
}
