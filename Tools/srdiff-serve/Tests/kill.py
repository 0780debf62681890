#!/usr/bin/env python3
"""Kills srdiff-serve with SIGKILL at random moments while clients send jobs, and checks that every accepted job ends
with the right bytes.

  Tests/kill.py SRDIFF-SERVE SRDIFF-UPSCALE [--kills 50] [--seed N]
"""
import argparse, http.client, json, pathlib, random, signal, subprocess, sys, tempfile, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from service import Service, noise


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("serve")
    parser.add_argument("upscale")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    random_source = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        images, expected = [], []
        for i in range(4):
            path = noise(folder / f"{i}.ppm", 8 + 8 * i, 16, seed=i)
            subprocess.run([options.upscale, path, "-o", folder / "out.png", "--overwrite", "--quiet"], check=True)
            images.append(path.read_bytes())
            expected.append((folder / "out.png").read_bytes())
        with Service(options.serve, "--max-queue", 1000) as service:
            accepted, is_over = {}, threading.Event()

            def send(number):
                source = random.Random(number)
                while not is_over.is_set():
                    i = source.randrange(4)
                    try:
                        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=5)
                        connection.request(
                            "POST", "/api/v1/jobs", images[i], {"Content-Type": "image/x-portable-pixmap"})
                        response = connection.getresponse()
                        data = response.read()
                        if response.status == 201: accepted[json.loads(data)["jobs"][0]["id"]] = i
                        connection.close()
                    except (OSError, http.client.HTTPException):
                        pass                                  # not accepted, as far as the client knows
                    time.sleep(source.uniform(0, 0.5))

            clients = [threading.Thread(target=send, args=(n,)) for n in range(4)]
            for client in clients: client.start()
            for _ in range(options.kills):
                time.sleep(random_source.expovariate(1.5))
                service.stop(signal.SIGKILL)
                service.start()
            is_over.set()
            for client in clients: client.join()
            end, open_jobs = time.monotonic() + 900, set(accepted)
            while open_jobs and time.monotonic() < end:
                for id in list(open_jobs):
                    job = service.json(f"/api/v1/jobs/{id}")
                    if job["state"] == "failed": raise SystemExit(f"kill: job {id} has failed: {job['error']}")
                    if job["state"] == "done": open_jobs.remove(id)
                time.sleep(0.3)
            if open_jobs: raise SystemExit(f"kill: {len(open_jobs)} of {len(accepted)} jobs have not ended")
            for id, i in accepted.items():
                if service.bytes(f"/api/v1/jobs/{id}/result") != expected[i]:
                    raise SystemExit(f"kill: job {id} has other bytes")
            strays = len(list((pathlib.Path(service.state) / "incoming").iterdir()))
            if strays: raise SystemExit(f"kill: {strays} uploads are left over")
    print(f"{options.kills} kills: all of the {len(accepted)} accepted jobs have srdiff-upscale's bytes.")


if __name__ == "__main__":
    main()
