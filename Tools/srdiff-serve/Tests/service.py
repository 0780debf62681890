"""Starts srdiff-serve for a test, and asks it."""
import json, os, pathlib, random, re, signal, socket, subprocess, tempfile, time, urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def noise(path, width, height, seed=1):
    """A new random PPM image."""
    path.write_bytes(b"P6 %d %d 255\n" % (width, height) + random.Random(seed).randbytes(width * height * 3))
    return path


class Service:
    """A running service with a state folder of its own, unless one is named."""

    def __init__(self, program, *options, state=None, port=None):
        self.program, self.options, self.port = program, options, port or free_port()
        self.folder = None if state else tempfile.TemporaryDirectory()
        self.state = state or self.folder.name
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.folder: self.folder.cleanup()

    def start(self, seconds=20):
        self.process = subprocess.Popen(
            [str(self.program), "--port", str(self.port), "--state", str(self.state), *map(str, self.options)],
            stderr=subprocess.PIPE)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(self.url + "/healthz", timeout=2).read()
                return
            except OSError:
                if self.process.poll() is not None: break
                time.sleep(0.02)
        raise SystemExit(f"the service does not start: {self.process.stderr.read1(2000).decode()}")

    def stop(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(10)

    def bytes(self, path): return urllib.request.urlopen(self.url + path, timeout=60).read()
    def text(self, path): return self.bytes(path).decode()
    def json(self, path): return json.loads(self.bytes(path))

    def memory(self, name="VmRSS"):
        """In MiB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", text)[1]) / 1024
