#!/usr/bin/env python3
"""Uses the HTTP API and the watched folder of srdiff-serve: the bytes of srdiff-upscale everywhere, errors, limits,
hostile requests.

  Tests/api.py SRDIFF-SERVE SRDIFF-UPSCALE [--hostile FOLDER]

--hostile: a folder of hostile images that are sent too; the service must answer each and go on, within bounded memory.
"""
import argparse, http.client, io, json, os, pathlib, re, socket, subprocess, sys, tempfile, threading, time
import urllib.parse, zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from service import Service, noise

MODELS = pathlib.Path(__file__).resolve().parents[3] / "Models"


def check(is_well, what):
    if not is_well: raise SystemExit(f"api: {what}")


def ask(service, method, path, body=None, **fields):
    """Returns status, header fields and body."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, dict(response.getheaders()), data


def expect(service, status, method, path, body=None, field=None, retry=False, **fields):
    """Asks, and checks that the answer is this problem."""
    found, headers, data = ask(service, method, path, body, **fields)
    check(found == status, f"{method} {path}: status {found}, expected {status}: {data[:300]}")
    if status >= 400:
        check(headers["Content-Type"] == "application/problem+json", f"{path}: {headers['Content-Type']}")
        problem = json.loads(data)
        check(problem["status"] == status and problem["detail"], f"{path}: {problem}")
        check(problem.get("field") == field, f"{path}: names the field {problem.get('field')}, expected {field}")
    if retry: check(int(headers["Retry-After"]) > 0, f"{path}: no Retry-After")
    check("default-src 'none'" in headers["Content-Security-Policy"], f"{path}: no policy")
    return data


def raw(service, data, seconds=5):
    """Sends bytes and returns all that comes back until the connection ends or nothing comes."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=seconds) as s:
        try: s.sendall(data)
        except OSError: pass
        found = b""
        try:
            while chunk := s.recv(65536): found += chunk
        except OSError: pass
        return found


def form(*parts):
    """A form of (name, value) and (name, file name, bytes)."""
    body = b""
    for part in parts:
        name = f'; filename="{part[1]}"' if len(part) == 3 else ""
        value = part[2] if len(part) == 3 else part[1].encode()
        body += f'--XyZ\r\nContent-Disposition: form-data; name="{part[0]}"{name}\r\n\r\n'.encode() + value + b"\r\n"
    return body + b"--XyZ--\r\n", {"Content_Type": "multipart/form-data; boundary=XyZ"}


def wait(service, job, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = service.json(f"/api/v1/jobs/{job}")
        if found["state"] in ("done", "failed"): return found
        time.sleep(0.05)
    raise SystemExit(f"api: job {job} takes too long: {found}")


class Images:
    """Small images in every format, and what srdiff-upscale makes of them."""

    def __init__(self, folder, upscale):
        self.folder, self.upscale = folder, upscale
        plain = noise(folder / "plain.ppm", 24, 17)
        gray = folder / "gray.pgm"
        gray.write_bytes(b"P5 9 9 255\n" + bytes(range(81)))
        sample = MODELS / "sample.png"
        self.paths = [plain, gray, sample]
        for name in ("photo.jpg", "photo.webp"):
            subprocess.run([upscale, plain, "-o", folder / name, "--bicubic", "--quiet"], check=True)
            self.paths.append(folder / name)

    def result(self, path, *options):
        kind = {"ppm": "png", "pgm": "png"}.get(path.suffix[1:], path.suffix[1:])
        out = self.folder / f"result.{kind}"
        subprocess.run([self.upscale, path, "-o", out, "--overwrite", "--quiet", *map(str, options)], check=True)
        return out.read_bytes()


def same_bytes(service, images):
    for path in images.paths:
        expected = images.result(path)
        for method in ("POST", "PUT"):
            status, headers, data = ask(service, method, "/api/v1/upscale", path.read_bytes())
            check(
                status == 200 and data == expected,
                f"{method} upscale {path.name}: {status}, other bytes than srdiff-upscale")
        answer = expect(
            service, 201, "POST", "/api/v1/jobs", path.read_bytes(), Content_Type="application/octet-stream")
        job = json.loads(answer)["jobs"][0]
        done = wait(service, job["id"])
        check(service.bytes(done["results"][0]["url"]) == expected, f"job {path.name}: other bytes than srdiff-upscale")
        check(service.bytes(f"/api/v1/jobs/{job['id']}/image") == path.read_bytes(), f"job {path.name}: another image")
    body, fields = form(
        ("seed", "3"), ("file", "a.ppm", images.paths[0].read_bytes()), ("samples", "2"), ("model", "photo"),
        ("file", "b.png", images.paths[2].read_bytes()), ("fidelity", "0.25"), ("steps", "3"), ("format", "webp"),
        ("quality", "80"))
    jobs = json.loads(expect(service, 201, "POST", "/api/v1/jobs", body, **fields))["jobs"]
    for job, path in zip(jobs, (images.paths[0], images.paths[2])):
        done = wait(service, job["id"])
        for sample in (0, 1):
            out = images.folder / "result.webp"
            subprocess.run(
                [
                    images.upscale, path, "-o", out, "--overwrite", "--quiet", "--model", "photo", "--seed",
                    str(3 + sample), "--fidelity", "0.25", "--steps", "3", "--quality", "80"],
                check=True)
            check(
                service.bytes(done["results"][sample]["url"]) == out.read_bytes(),
                f"form, sample {sample}: other bytes")
    archive = zipfile.ZipFile(io.BytesIO(service.bytes(f"/api/v1/results.zip?id={jobs[0]['id']}&id={jobs[1]['id']}")))
    check(
        archive.testzip() is None
        and archive.namelist() == ["a_x4_seed3.webp", "a_x4_seed4.webp", "b_x4_seed3.webp", "b_x4_seed4.webp"],
        f"archive: {archive.namelist()}")
    check(archive.read("b_x4_seed4.webp") == out.read_bytes(), "archive: other bytes")
    again = json.loads(expect(service, 201, "POST", f"/api/v1/jobs?from={jobs[0]['id']}&seed=5"))["jobs"][0]
    check(again["imageId"] == jobs[0]["id"] and wait(service, again["id"])["state"] == "done", "a job from a job")
    data = images.paths[1].read_bytes()
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (data[:50], data[50:])) + b"0\r\n\r\n"
    head = b"POST /api/v1/upscale HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    found = raw(service, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked, 30)
    check(found.endswith(images.result(images.paths[1])), "a chunked body: other bytes")


def errors(service, images):
    good = images.paths[1].read_bytes()
    for query, field in (
            ("modell=edge", "modell"), ("model=none", "model"), ("steps=0", "steps"), ("steps=1.5", "steps"),
            ("fidelity=2", "fidelity"), ("fidelity=nan", "fidelity"), ("seed=-1", "seed"), ("samples=1000", "samples"),
            ("format=gif", "format"), ("seed=1&seed=2", "seed")):
        expect(
            service, 400, "POST", f"/api/v1/jobs?{query}", good, field=field, Content_Type="image/x-portable-graymap")
    expect(service, 415, "POST", "/api/v1/jobs", b"", field="file")
    expect(service, 415, "POST", "/api/v1/jobs", b"Dear reader", field="file")
    expect(service, 415, "POST", "/api/v1/jobs", b"GIF89a\1\0\1\0\0\0\0;", field="file")
    expect(service, 415, "POST", "/api/v1/jobs", b"{}", field="content-type", Content_Type="application/json")
    expect(
        service, 415, "POST", "/api/v1/jobs", good, field="content-type",
        Content_Type="application/x-www-form-urlencoded")
    expect(service, 413, "POST", "/api/v1/jobs", b"P5 60000 60000 255\n", field="file")
    expect(service, 400, "POST", "/api/v1/jobs", b"x", field="content-type", Content_Type="multipart/form-data")
    body, fields = form(("file", "a.pgm", good), ("file", "b.txt", b"text"))
    count = len(service.json("/api/v1/jobs")["jobs"])
    expect(service, 415, "POST", "/api/v1/jobs", body, field="file", **fields)
    check(len(service.json("/api/v1/jobs")["jobs"]) == count, "half of a request was accepted")
    expect(service, 400, "POST", "/api/v1/jobs", body[:-20], **fields)
    body, fields = form(("colour", "red"), ("file", "a.pgm", good))
    expect(service, 400, "POST", "/api/v1/jobs", body, field="colour", **fields)
    rgba = images.folder / "rgba.png"
    import zlib, struct
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(
        b"\0" + bytes((x * 20 + y) % 256 if c < 3 else 255 * (x % 3 > 0) for x in range(9) for c in range(4))
        for y in range(9))
    rgba.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 6, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    expect(service, 422, "POST", "/api/v1/jobs?format=jpeg", rgba.read_bytes(), field="format")
    status, _, data = ask(service, "POST", "/api/v1/upscale", rgba.read_bytes())
    check(status == 200 and data == images.result(rgba), "transparent image: other bytes than srdiff-upscale")
    broken = images.paths[2].read_bytes()[:2000]
    expect(service, 422, "POST", "/api/v1/upscale", broken, field="file")
    for path in (
            "/api/v1/jobs/" + "0" * 32, "/api/v1/jobs/..%2f..%2fetc", "/api/v1/jobs/0/result", "/api/v2", "/x",
            "/app.js/x", "/..%2f..%2fetc/passwd"):
        expect(service, 404, "GET", path)
    expect(service, 404, "DELETE", "/api/v1/jobs/" + "0" * 32)
    status, headers, _ = ask(service, "DELETE", "/api/v1/jobs")
    check(status == 405 and headers["Allow"] == "GET, HEAD, POST", f"405: {headers}")
    expect(service, 421, "GET", "/", field="host", Host="evil.example")
    expect(service, 403, "POST", "/api/v1/jobs", good, field="origin", Origin="http://evil.example")
    expect(service, 403, "GET", "/api/v1/jobs", field="sec-fetch-site", Sec_Fetch_Site="cross-site")
    job = json.loads(expect(service, 201, "POST", "/api/v1/jobs?name=..%2F..%2Fa%0d%0ab.png", good))["jobs"][0]
    check(job["name"] == "ab.png", f"name: {job['name']}")
    wait(service, job["id"])
    headers = ask(service, "GET", f"/api/v1/jobs/{job['id']}/result?download=1")[1]
    check('filename="ab_x4.png"' in headers["Content-Disposition"], f"download: {headers['Content-Disposition']}")
    expect(service, 204, "DELETE", f"/api/v1/jobs/{job['id']}")
    expect(service, 404, "GET", f"/api/v1/jobs/{job['id']}/result")
    # No page of another origin hides in a body that was not read.
    hidden = b"DELETE /api/v1/jobs/%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % job["id"].encode()
    for size in (300, 3_000_000):
        body = hidden + b" " * size
        head = b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
        found = raw(service, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        check(
            found.count(b"HTTP/1.1 ") == 1 and b" 403 " in found[:20],
            f"a request in a body of {size} bytes: {found[:100]}")
    for data, status in (
            (b"GARBAGE\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20000 + b"\r\n\r\n", 431), (b"X" * 100_000, 431),
            (b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            (b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n", 413)):
        found = raw(service, data)
        check(found.startswith(b"HTTP/1.1 %d " % status), f"{data[:60]}: {found[:60]}, expected {status}")


def live(service, images):
    """Server-sent events: every state, then the end."""
    job = json.loads(expect(service, 201, "POST", "/api/v1/jobs", images.paths[2].read_bytes()))["jobs"][0]
    request = f"GET /api/v1/jobs/{job['id']}/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    found = raw(service, request.encode(), 60).decode()
    states = re.findall(r'"state":"(\w+)","(?:position":\d+,")?progress":([\d.]+)', found)
    check(states[-1] == ("done", "1.0") and ("running", "0.5") in states, f"events: {states}")
    check(found.endswith("0\r\n\r\n"), "the events do not end with the job")


def limits(program, images):
    good = images.paths[1].read_bytes()
    options = ("--max-queue", 2, "--max-upload", 1, "--max-connections", 24)
    with Service(program, *options) as service:
        slow = noise(images.folder / "slow.ppm", 400, 300).read_bytes()
        jobs = [json.loads(expect(service, 201, "POST", "/api/v1/jobs", slow))["jobs"][0] for _ in range(2)]
        expect(service, 429, "POST", "/api/v1/jobs", good, retry=True)
        expect(service, 429, "POST", "/api/v1/upscale", good, retry=True)
        expect(service, 409, "GET", f"/api/v1/jobs/{jobs[1]['id']}/result", retry=True)
        for job in jobs: expect(service, 204, "DELETE", f"/api/v1/jobs/{job['id']}")
        expect(service, 413, "POST", "/api/v1/jobs", bytes(1 << 20) + b"x")
        # A client that goes away takes its job with it.
        with socket.create_connection(("127.0.0.1", service.port)) as s:
            s.sendall(
                b"POST /api/v1/upscale HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(slow) + slow)
            time.sleep(1)
        end = time.monotonic() + 60
        while 'state="running"} 0' not in service.text("/metrics"):
            check(time.monotonic() < end, "the job of a client that has gone goes on")
            time.sleep(0.2)
        time.sleep(3)                                                # connections that were refused linger for 2 s
        # Slow heads are cut off after 10 s, and too many connections are refused meanwhile.
        sockets = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(24)]
        for s in sockets: s.sendall(b"GET / HT")
        time.sleep(0.5)
        found = raw(service, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 2)
        check(b" 503 " in found[:20] and b"Retry-After" in found, f"a connection too many: {found[:60]}")
        start = time.monotonic()
        for s in sockets:
            s.settimeout(20)
            try: check(s.recv(100) == b"", "a slow client is answered")
            except ConnectionResetError: pass
        check(time.monotonic() - start < 14, f"slow clients stay for {time.monotonic() - start:.0f} s")
        for s in sockets: s.close()
        check(service.text("/healthz") == "ok\n", "the service does not answer after the slow clients")


def token(program):
    with Service(program, "--address", "0.0.0.0") as service:
        text = service.process.stderr.read1(4000).decode()
        while "#token=" not in text: text += service.process.stderr.read1(4000).decode()
        value = re.search(r"#token=(\w+)", text)[1]
        expect(service, 401, "GET", "/api/v1/jobs", field="authorization")
        expect(service, 401, "GET", "/metrics", field="authorization")
        expect(service, 401, "GET", "/api/v1/jobs", field="authorization", Authorization=f"Bearer {value}0")
        expect(service, 200, "GET", "/api/v1/jobs", Authorization=f"Bearer {value}")
        expect(service, 200, "GET", "/")
        expect(service, 200, "GET", "/healthz")
        status, headers, _ = ask(service, "POST", "/api/v1/session", Authorization=f"Bearer {value}")
        cookie = headers["Set-Cookie"]
        check(status == 204 and "HttpOnly" in cookie and "SameSite=Strict" in cookie, f"cookie: {cookie}")
        expect(service, 200, "GET", "/api/v1/jobs", Cookie=cookie.split(";")[0])
        service.stop()
        service.start()
        expect(service, 200, "GET", "/api/v1/jobs", Authorization=f"Bearer {value}")
    with Service(program, "--address", "0.0.0.0", "--no-token") as service:
        expect(service, 200, "GET", "/api/v1/jobs")


def watched(program, images):
    source, target = images.folder / "in", images.folder / "out"
    (source / "old").mkdir(parents=True)
    early = source / "old" / "early.ppm"
    early.write_bytes(images.paths[0].read_bytes())
    def until(condition, what, seconds=90):
        end = time.monotonic() + seconds
        while not condition():
            check(
                time.monotonic() < end,
                f"watched folder: waited for {what}; there are {sorted(map(str, target.rglob('*')))}")
            time.sleep(0.1)
    with Service(program, "--watch", source, "--into", target) as service:
        until((target / "old/early.ppm_x4.png").exists, "an image that was there before")
        check(
            (target / "old/early.ppm_x4.png").read_bytes() == images.result(images.paths[0]),
            "watched folder: other bytes")
        (source / "new/deep").mkdir(parents=True)
        (source / "new/deep/b.png").write_bytes(images.paths[2].read_bytes())
        (source / "letter.jpg").write_text("Dear reader")
        with open(source / "slow.pgm", "wb") as file:               # half-copied for a while
            data = images.paths[1].read_bytes()
            file.write(data[:40])
            file.flush()
            time.sleep(3)
            check(not (target / "failed/slow.pgm").exists(), "watched folder: a half-copied file was taken")
            file.write(data[40:])
        (images.folder / "moved.pgm").write_bytes(data)
        (images.folder / "moved.pgm").rename(source / "moved.pgm")
        until((target / "new/deep/b_x4.png").exists, "an image in a new folder")
        until((target / "slow.pgm_x4.png").exists, "an image that was copied slowly")
        until((target / "moved.pgm_x4.png").exists, "an image that was moved in")
        check(
            (target / "new/deep/b_x4.png").read_bytes() == images.result(images.paths[2]),
            "watched folder: other bytes of b.png")
        until((target / "failed/letter.jpg.txt").exists, "the text about a wrong file")
        check(
            "not an image" in (target / "failed/letter.jpg.txt").read_text() and not (source / "letter.jpg").exists(),
            "watched folder: letter.jpg")
        before = {p: p.stat().st_mtime_ns for p in target.rglob("*.png")}
        service.stop()
        service.start()
        time.sleep(3)
        check(
            {p: p.stat().st_mtime_ns for p in target.rglob("*.png")} == before,
            "watched folder: done again after another start")


def notification(program):
    """systemd is told once connections are accepted."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(f"{folder}/notify")
        s.settimeout(20)
        os.environ["NOTIFY_SOCKET"] = f"{folder}/notify"
        with Service(program):
            check(s.recv(100) == b"READY=1", "systemd is not told that the service is ready")
        del os.environ["NOTIFY_SOCKET"]


def hostile(service, folder):
    counts, count = {}, 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.stat().st_size > 64 << 20: continue
        status, _, _ = ask(service, "POST", "/api/v1/upscale?steps=1", path.read_bytes())
        check(status in (200, 400, 413, 415, 422), f"{path.name}: status {status}")
        counts[status] = counts.get(status, 0) + 1
        count += 1
    check(service.text("/healthz") == "ok\n", "the service does not answer after the hostile images")
    print(f"{count} hostile images: {dict(sorted(counts.items()))}, peak memory {service.memory('VmHWM'):.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("serve")
    parser.add_argument("upscale")
    parser.add_argument("--hostile", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images = Images(pathlib.Path(folder), options.upscale)
        with Service(options.serve) as service:
            time.sleep(0.5)
            print(f"idle: {service.memory():.1f} MiB resident")
            same_bytes(service, images)
            errors(service, images)
            live(service, images)
            if options.hostile: hostile(service, options.hostile)
            time.sleep(1)
            print(f"idle again: {service.memory():.1f} MiB resident")
        notification(options.serve)
        limits(options.serve, images)
        token(options.serve)
        watched(options.serve, images)
    print("The API and the watched folder work: srdiff-upscale's bytes, errors, events, limits, token.")


if __name__ == "__main__":
    main()
