#!/usr/bin/env python3
"""Loads srdiff-serve with many clients, slow and broken ones among them: nothing is lost or done twice, memory stays
flat and the service answers while it computes.

  Tests/load.py SRDIFF-SERVE [--clients 200] [--jobs 1000]
"""
import argparse, asyncio, json, pathlib, random, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from service import Service, noise


async def ask(port, method, path, body=b"", seconds=120):
    """One request on a connection of its own. Returns status, header fields in lower case and body."""
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            data = await reader.read()
        finally:
            writer.close()
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), body


class Load:
    def __init__(self, service, images):
        self.service, self.images = service, images
        self.accepted, self.done, self.refused, self.broken, self.errors = [], 0, 0, 0, []
        self.health, self.memory = [], []
        self.is_over = False

    async def client(self, number, jobs):
        """Sends jobs one after another, each again until it is accepted, waits for it and reads the result."""
        source = random.Random(number)
        for _ in range(jobs):
            image = source.choice(self.images)
            while True:
                try:
                    status, fields, body = await ask(
                        self.service.port, "POST", f"/api/v1/jobs?steps=1&seed={source.randrange(10)}", image)
                except (OSError, ValueError, IndexError, TimeoutError) as error:
                    self.errors.append(f"sending: {error!r}")
                    await asyncio.sleep(1)
                    continue
                if status == 201: break
                if status not in (429, 503): raise SystemExit(f"load: status {status}: {body[:200]}")
                self.refused += 1
                await asyncio.sleep(int(fields["retry-after"]) * source.uniform(0.5, 1.5))
            id = json.loads(body)["jobs"][0]["id"]
            self.accepted.append(id)
            while True:
                await asyncio.sleep(source.uniform(1, 3))
                try: status, fields, body = await ask(self.service.port, "GET", f"/api/v1/jobs/{id}/result")
                except (OSError, ValueError, IndexError, TimeoutError): continue
                if status == 200: break
                if status not in (409, 503): raise SystemExit(f"load: result: status {status}: {body[:200]}")
            if len(body) != int(fields["content-length"]) or not body.startswith(b"\x89PNG"):
                raise SystemExit("load: a broken result")
            self.done += 1

    async def bad(self, number):
        """Slow heads, bodies that stop, garbage, connections that are cut."""
        source = random.Random(-number)
        while not self.is_over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.service.port)
                kind = source.randrange(5)
                if kind == 0:
                    for byte in b"GET /healthz HTTP/1.1\r\n":
                        writer.write(bytes([byte]))
                        await writer.drain()
                        await asyncio.sleep(1)
                elif kind == 1:
                    writer.write(
                        b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
                        + bytes(source.randrange(50000)))
                    await asyncio.sleep(source.uniform(0, 10))
                elif kind == 2:
                    writer.write(source.randbytes(source.randrange(1, 20000)))
                    await reader.read(1000)
                elif kind == 3:
                    writer.write(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    await asyncio.sleep(source.uniform(0, 5))              # reads nothing
                else:
                    head = b"POST /api/v1/upscale HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
                    writer.write(head % len(self.images[0]) + self.images[0])
                    await asyncio.sleep(source.uniform(0, 1))
                writer.transport.abort()
                self.broken += 1
            except OSError:
                pass
            await asyncio.sleep(source.uniform(0, 1))

    async def watch(self):
        start = time.monotonic()
        while not self.is_over:
            before = time.monotonic()
            try:
                status, _, _ = await ask(self.service.port, "GET", "/healthz", seconds=10)
                if status == 200: self.health.append(1000 * (time.monotonic() - before))
            except (OSError, ValueError, IndexError, TimeoutError): self.errors.append("healthz")
            self.memory.append((time.monotonic() - start, self.service.memory(), self.service.memory("RssAnon")))
            await asyncio.sleep(0.1)

    async def run(self, clients, jobs):
        others = [
            asyncio.create_task(self.watch()), *(asyncio.create_task(self.bad(n)) for n in range(1, 1 + clients // 10))]
        shares = [jobs // clients + (n < jobs % clients) for n in range(clients)]
        await asyncio.gather(*(self.client(n, share) for n, share in enumerate(shares)))
        self.is_over = True
        for task in others: task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("serve")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Service(options.serve) as service:
        folder = pathlib.Path(folder)
        images = [noise(folder / f"{i}.ppm", 8, 8, seed=i).read_bytes() for i in range(8)]
        load = Load(service, images)
        start = time.monotonic()
        asyncio.run(load.run(options.clients, options.jobs))
        seconds = time.monotonic() - start
        if len(set(load.accepted)) != options.jobs or load.done != options.jobs:
            raise SystemExit(f"load: {len(set(load.accepted))} accepted and {load.done} done of {options.jobs}")
        kept = service.json("/api/v1/jobs?limit=1000")["jobs"]
        ids = [job["id"] for job in kept]
        if sorted(ids) != sorted(load.accepted):
            raise SystemExit(f"load: {len(ids)} jobs are kept, expected {options.jobs}")
        if any(len(job["results"]) != 1 or job["state"] != "done" for job in kept):
            raise SystemExit("load: a job without its result")
        health = sorted(load.health)
        third = len(load.memory) // 3
        mean = lambda part: sum(m[2] for m in part) / len(part)
        print(
            f"{options.jobs} jobs of {options.clients} clients in {seconds:.0f} s, {load.refused} times refused and "
            f"tried again, {load.broken} broken clients, {len(load.errors)} errors of connections")
        print(
            f"/healthz while computing: median {health[len(health) // 2]:.1f} ms, p99 "
            f"{health[int(len(health) * 0.99)]:.1f} ms, most {health[-1]:.1f} ms ({len(health)} requests)")
        print(
            f"anonymous memory: {mean(load.memory[third:2 * third]):.1f} MiB in the second third, "
            f"{mean(load.memory[2 * third:]):.1f} MiB in the last; peak {service.memory('VmHWM'):.1f} MiB resident, "
            f"{service.memory():.1f} MiB at the end")
        for error in load.errors[:5]: print(error)


if __name__ == "__main__":
    main()
