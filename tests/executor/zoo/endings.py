"""What happens after the last statement: threads, finalisers, open files."""

SCRIPTS = {
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
}
