/** image-fetch.sh with a server on loopback: it uses only the declared bytes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { run, RunResult } from "../../core/exec.io";
import { closed, freePort, listen, until } from "./loopback";

const SCRIPT = "scripts/host/image-fetch.sh";
const folder = mkdtempSync(join(tmpdir(), "mirlab-fetch-"));
let dir = "";
let base = "";
let requests: { path: string; range: string | undefined }[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;

const server = createServer((request, response) => {
  requests.push({ path: request.url ?? "", range: request.headers.range });
  answer(request, response);
});

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Creates an image with some content by qemu-img, and returns its bytes. */
async function image(...options: string[]): Promise<Buffer> {
  const size = options.pop() ?? "";
  const file = join(folder, "made");
  rmSync(file, { force: true });
  const made = await run(["qemu-img", "create", "-q", ...options, file, size]);
  assert.equal(made.code, 0, made.stderr);
  return readFileSync(file);
}

/** Serves `bytes` as a web server does, resuming included. */
function serve(bytes: Buffer): typeof answer {
  return (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from === 0) {
      response.writeHead(200, { "Content-Length": bytes.length }).end(bytes);
    } else if (from >= bytes.length) {
      response.writeHead(416, { "Content-Range": `bytes */${bytes.length}` }).end();
    } else {
      const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(206, { "Content-Range": range, "Content-Length": bytes.length - from });
      response.end(bytes.subarray(from));
    }
  };
}

/** Sends the first part of `bytes`, then closes the connection or lets it hang. */
function serveHead(bytes: Buffer, length: number, then: "cut" | "hang"): typeof answer {
  return (_request, response) => {
    response.writeHead(200, { "Content-Length": bytes.length });
    response.write(bytes.subarray(0, length), () => {
      if (then === "cut") response.destroy();
    });
  };
}

interface Wanted {
  readonly path?: string;
  readonly digest?: string;
  readonly format?: string;
  readonly maxGiB?: number;
}

function argv(bytes: Buffer, wanted: Wanted = {}): string[] {
  const url = base + (wanted.path ?? "/image");
  const digest = wanted.digest ?? `sha256:${sha256(bytes)}`;
  return ["bash", SCRIPT, dir, url, digest, wanted.format ?? "qcow2", String(wanted.maxGiB ?? 2)];
}

const fetchImage = (bytes: Buffer, wanted?: Wanted): Promise<RunResult> =>
  run(argv(bytes, wanted), { timeoutMs: 60_000 });

/** Asserts that the script succeeded and the verified copy has these bytes. */
function assertHas(result: RunResult, bytes: Buffer, format = "qcow2"): string {
  const path = join(dir, `sha256-${sha256(bytes)}.${format}`);
  assert.deepEqual([result.code, result.stdout.toString()], [0, `${path}\n`], result.stderr);
  assert.ok(readFileSync(path).equals(bytes));
  assert.equal(statSync(path).mode & 0o777, 0o444);
  return path;
}

/** Messages without curl's text, which depends on its version. */
const messages = ({ stderr }: RunResult): string =>
  stderr.replaceAll(/^(curl: \(\d+\)).*$/gm, "$1");

/** Asserts that the script failed with these lines and left no image. */
function assertRefused(result: RunResult, bytes: Buffer, ...lines: string[]): void {
  assert.deepEqual(
    [result.code, result.stdout.toString(), messages(result)],
    [1, "", lines.map((line) => `${line}\n`).join("")],
  );
  assert.ok(!existsSync(join(dir, `sha256-${sha256(bytes)}.qcow2`)));
}

const partialOf = (bytes: Buffer): string => join(dir, `.sha256-${sha256(bytes)}.partial`);
const noWay = (code: number): string =>
  `image: found no way to download ${base}/image (curl exit ${code}); need the image; fix: ` +
  `check the URL and the host's network, then run 'up' again: it resumes`;

describe("image-fetch.sh", { timeout: 300_000 }, () => {
  let good: Buffer = Buffer.alloc(0);
  let downloading = "";

  before(async () => {
    base = await listen(server);
    good = await image("-f", "qcow2", "1G");
    assert.ok(good.length > 150_000);
    downloading = `image: downloading ${base}/image`;
  });
  beforeEach(() => {
    dir = mkdtempSync(join(folder, "cache-"));
    requests = [];
    answer = serve(good);
  });
  after(async () => {
    await closed(server);
    rmSync(folder, { recursive: true, force: true });
  });

  it("puts a verified copy of a qcow2 and of a raw image into the cache", async () => {
    const result = await fetchImage(good);
    assertHas(result, good);
    assert.equal(result.stderr, `${downloading}\n`);
    const raw = await image("-f", "raw", "1M");
    answer = serve(raw);
    assertHas(await fetchImage(raw, { format: "raw" }), raw, "raw");
  });

  it("accepts a sha512 digest, too", async () => {
    const hex = createHash("sha512").update(good).digest("hex");
    const result = await fetchImage(good, { digest: `sha512:${hex}` });
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout.toString(), `${dir}/sha512-${hex}.qcow2\n`);
  });

  it("takes a URL literally: brackets are not a pattern", async () => {
    assertHas(await fetchImage(good, { path: "/a[1-3]{x,y}" }), good);
    assert.deepEqual(
      requests.map((r) => r.path),
      ["/a[1-3]{x,y}"],
    );
  });

  it("never uses a file with one flipped byte, and removes it", async () => {
    const bad = Buffer.from(good);
    bad[1000] = (bad[1000] ?? 0) ^ 1;
    answer = serve(bad);
    assertRefused(
      await fetchImage(good),
      good,
      downloading,
      `image: found sha256:${sha256(bad)}; need sha256:${sha256(good)} for ${base}/image; fix: ` +
        `check the digest with the publisher's signed sums; the download was removed`,
    );
    assert.ok(!existsSync(partialOf(good)));
    answer = serve(good);
    assertHas(await fetchImage(good), good);
  });

  it("resumes a download that was cut off", async () => {
    answer = serveHead(good, 70_000, "cut");
    const cut = await fetchImage(good);
    assertRefused(cut, good, downloading, "curl: (18)", noWay(18));
    answer = serve(good);
    assertHas(await fetchImage(good), good);
    assert.deepEqual(
      requests.map((r) => r.range),
      [undefined, "bytes=70000-"],
    );
  });

  it("starts again if the server cannot resume", async () => {
    answer = serveHead(good, 70_000, "cut");
    await fetchImage(good);
    answer = (_request, response) => {
      response.writeHead(200, { "Content-Length": good.length }).end(good);
    };
    const result = await fetchImage(good);
    assertHas(result, good);
    assert.match(result.stderr, /found no way to resume; downloading .* from the start\n$/);
  });

  it("starts again if the partial file is not the beginning of the image", async () => {
    for (const bytes of [Buffer.concat([good, good]), Buffer.alloc(good.length, 1)]) {
      dir = mkdtempSync(join(folder, "cache-"));
      writeFileSync(partialOf(good), bytes);
      const result = await fetchImage(good);
      assertHas(result, good);
      assert.equal(
        messages(result),
        `${downloading}\ncurl: (22)\n` +
          `image: found no way to resume; downloading ${base}/image from the start\n`,
      );
    }
  });

  it("reports a missing file, an unreachable server, and an invalid digest or size", async () => {
    answer = (_request, response) => response.writeHead(404).end("not the image");
    assertRefused(await fetchImage(good), good, downloading, "curl: (22)", noWay(22));
    assert.equal(requests.length, 1, "404 is not asked again");
    const gone = argv(good);
    gone[3] = `http://127.0.0.1:${await freePort()}/image`;
    const message = noWay(7).replace(`${base}/image`, gone[3]);
    const none = await run(gone);
    assertRefused(none, good, `image: downloading ${gone[3]}`, "curl: (7)", message);
    const digest = "sha256:abc";
    assertRefused(
      await fetchImage(good, { digest }),
      good,
      "image: found digest 'sha256:abc'; need sha256:HEX or sha512:HEX",
    );
    const size = await run([...argv(good).slice(0, -1), "1;2"]);
    assertRefused(size, good, "image: found size '1;2'; need GiB");
  });

  it("retries when the server is busy", async () => {
    answer = (request, response) => {
      if (requests.length <= 2) response.writeHead(503, { "Retry-After": "1" }).end("busy");
      else serve(good)(request, response);
    };
    assertHas(await fetchImage(good), good);
    assert.equal(requests.length, 3);
  });

  it("refuses an image of another format than declared", async () => {
    const raw = await image("-f", "raw", "1M");
    answer = serve(raw);
    assertRefused(
      await fetchImage(raw),
      raw,
      downloading,
      "image: found image format 'raw'; need qcow2; fix: set guests[].image.format, " +
        "or convert it with qemu-img",
    );
    // A qcow2 that is declared raw: a program that probes it would read it as qcow2.
    answer = serve(good);
    const result = await fetchImage(good, { format: "raw" });
    assert.equal(result.code, 1);
    assert.match(result.stderr, /found image format 'qcow2'; need raw/);
  });

  it("refuses images that refer to other files", async () => {
    const other = join(folder, "other.qcow2");
    writeFileSync(other, good);
    const external = join(folder, "external.raw");
    const images = [
      await image("-f", "qcow2", "-b", other, "-F", "qcow2", "1G"),
      await image("-f", "qcow2", "-o", `data_file=${external}`, "1G"),
    ];
    // Whether or not the other file exists.
    for (const bytes of [...images, ...images]) {
      answer = serve(bytes);
      const again = existsSync(partialOf(bytes)) ? [] : [downloading];
      assertRefused(
        await fetchImage(bytes),
        bytes,
        ...again,
        "image: found an image that refers to another file; need one that stands alone; fix: " +
          "flatten it with 'qemu-img convert'",
      );
      rmSync(bytes === images[0] ? other : external, { force: true });
    }
  });

  it("refuses an image larger than the guest's disk, cached or not", async () => {
    const big = await image("-f", "qcow2", String(2 * 1024 ** 3 + 65536));
    answer = serve(big);
    const refusal =
      "image: found an image of 3 GiB; need at most guests[].diskGiB (2); fix: raise it";
    assertRefused(await fetchImage(big), big, downloading, refusal);
    assertHas(await fetchImage(big, { maxGiB: 3 }), big);
    const cached = await fetchImage(big);
    assert.deepEqual([cached.code, cached.stderr], [1, `${refusal}\n`]);
    assert.equal(requests.length, 1, "what was verified is not downloaded again");
  });

  it("moves a copy that changed on disk aside, and downloads it again", async () => {
    const path = assertHas(await fetchImage(good), good);
    const damaged = Buffer.from(good);
    damaged.fill(7, 2000, 2010);
    rmSync(path);
    writeFileSync(path, damaged);
    const result = await fetchImage(good);
    assertHas(result, good);
    assert.equal(
      result.stderr,
      `image: found ${path} changed on disk (sha256:${sha256(damaged)}); moved to ${path}.bad\n` +
        `${downloading}\n`,
    );
    assert.ok(readFileSync(`${path}.bad`).equals(damaged));
  });

  it("uses a cached copy without the server", async () => {
    assertHas(await fetchImage(good), good);
    const gone = argv(good);
    gone[3] = `http://127.0.0.1:${await freePort()}/image`;
    const result = await run(gone);
    assertHas(result, good);
    assert.equal(result.stderr, "");
  });

  it("does not follow a redirect to plain http", async () => {
    const elsewhere = createServer(serve(good));
    const other = await listen(elsewhere);
    let reached = 0;
    elsewhere.on("request", () => (reached += 1));
    answer = (_request, response) => response.writeHead(302, { Location: `${other}/image` }).end();
    try {
      assertRefused(await fetchImage(good), good, downloading, "curl: (1)", noWay(1));
      assert.equal(reached, 0);
    } finally {
      await closed(elsewhere);
    }
  });

  for (const whole of [true, false]) {
    const who = whole ? "with its download" : "and its download lives on";
    it(`resumes after it was killed in the middle ${who}`, async () => {
      answer = serveHead(good, 70_000, "hang");
      const child = spawn("bash", argv(good).slice(1), {
        detached: true,
        stdio: "ignore",
      });
      const ended = new Promise((resolve) => child.on("close", resolve));
      const pid = child.pid ?? 0;
      try {
        await until(() => existsSync(partialOf(good)) && statSync(partialOf(good)).size > 60_000);
        process.kill(whole ? -pid : pid, "SIGKILL");
        await ended;
        answer = serve(good);
        const second = fetchImage(good);
        if (!whole) {
          // The curl of the first run still holds the file; the second run must wait for it.
          await new Promise((resolve) => setTimeout(resolve, 1000));
          assert.equal(requests.length, 1);
          process.kill(-pid, "SIGKILL");
        }
        const result = await second;
        assertHas(result, good);
        // curl writes whole blocks: the resumed request starts after them.
        assert.match(requests.at(-1)?.range ?? "", /^bytes=6\d{4}-$/);
        const waited = whole ? "" : `image: waiting for another download of ${base}/image\n`;
        assert.equal(result.stderr, `${waited}${downloading}\n`);
      } finally {
        try {
          process.kill(-pid, "SIGKILL");
        } catch {
          // The process group has ended already.
        }
      }
    });
  }

  it("downloads once for two runs at the same time", async () => {
    const results = await Promise.all([fetchImage(good), fetchImage(good)]);
    for (const result of results) assertHas(result, good);
    assert.equal(requests.length, 1);
  });
});
