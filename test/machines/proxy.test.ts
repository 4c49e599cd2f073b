/**
 * An image built where a proxy on loopback is the only way out, from a mirror that wants a password: real
 * mmdebstrap, real archive, in a network namespace without a route. It takes some minutes: MIRLAB_TEST_LONG=1.
 */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, IncomingMessage, request, Server, ServerResponse } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { ROOT, temporaryFolder } from "../unit/support";

const folder = temporaryFolder();
chmodSync(folder, 0o711);
const socket = join(folder, "proxy.sock");
const [USER, PASSWORD] = ["ann", "open-s3same"];
const MIRROR = "mirror.lab.example";
const ARCHIVE = "deb.debian.org";

/** A forward proxy; for the mirror it also is the mirror, which asks for the password. */
function serve(asked: IncomingMessage, answer: ServerResponse, seen: Map<string, number>): void {
  const url = new URL(asked.url ?? "/");
  const count = (what: string): unknown => seen.set(what, (seen.get(what) ?? 0) + 1);
  const { authorization, ...headers } = asked.headers;
  const basic = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`;
  if (url.hostname === MIRROR && authorization !== basic) {
    count("refused");
    answer.writeHead(401, { "WWW-Authenticate": "Basic" }).end();
    return;
  }
  count(url.hostname);
  const to = { hostname: ARCHIVE, path: url.pathname, headers: { ...headers, host: ARCHIVE } };
  const forward = request(to, (got) => {
    answer.writeHead(got.statusCode ?? 502, got.headers);
    got.pipe(answer);
  });
  forward.on("error", () => answer.destroy());
  asked.pipe(forward);
}

describe(
  "an image where a proxy is the only way out",
  {
    skip: process.env.MIRLAB_TEST_LONG === undefined ? "takes minutes: MIRLAB_TEST_LONG=1" : false,
  },
  () => {
    const seen = new Map<string, number>();
    let proxy: Server;

    before(async () => {
      const install = ["mmdebstrap", "qemu-utils", "socat", "iproute2", "debian-archive-keyring"];
      const made = await run(["scripts/host/packages.sh", "install", ...install], {
        timeoutMs: 300_000,
      });
      assert.equal(made.code, 0, made.stderr);
      proxy = createServer((asked, answer) => serve(asked, answer, seen));
      await new Promise<void>((done) => proxy.listen(socket, done));
    });
    after(() => {
      proxy.close();
      proxy.closeAllConnections();
    });

    it("is built; the password is in neither image, manifest nor log", async () => {
      writeFileSync(
        join(folder, "auth"),
        `machine http://${MIRROR} login ${USER} password ${PASSWORD}\n`,
        { mode: 0o600 },
      );
      // The namespace's loopback has the proxy's port, and nothing else leads out.
      const inside = `set -e
        ip link set lo up
        mkdir -p /etc/apt/auth.conf.d
        mount -t tmpfs tmpfs /etc/apt/auth.conf.d
        install -m 0600 "$1/auth" /etc/apt/auth.conf.d/lab.conf
        socat TCP-LISTEN:3128,bind=127.0.0.1,fork,reuseaddr UNIX-CONNECT:"$1/proxy.sock" &
        trap "kill $!" EXIT
        ! timeout 5 bash -c 'exec 3<>/dev/tcp/${ARCHIVE}/80' 2>/dev/null
        cd '${ROOT}'
        bash scripts/host/image-build.sh build --dir "$1/images"`;
      const settings = [
        "proxy=http://127.0.0.1:3128",
        ...[`mirror=http://${MIRROR}/debian`, `security=http://${MIRROR}/debian-security`],
        "valid-until=ignore",
      ].join(" ");
      const built = await run(
        ["unshare", "--mount", "--net", "bash", "-c", inside, "test", folder],
        {
          env: { MIRLAB_APT: settings, http_proxy: "", https_proxy: "" },
          timeoutMs: 1_800_000,
        },
      );
      assert.equal(built.code, 0, built.stderr);
      const image = built.stdout.toString().trim();
      assert.match(image, /\/images\/[0-9a-f]{64}\.qcow2$/);
      // apt knows the mirror's password before it asks: nothing is refused, and nothing comes from elsewhere.
      assert.deepEqual([...seen.keys()], [MIRROR]);
      assert.ok((seen.get(MIRROR) ?? 0) > 300, "each package came by the mirror");
      for (const end of ["manifest", "log"]) {
        const text = readFileSync(image.replace(/qcow2$/, end), "utf8");
        assert.ok(!text.includes(PASSWORD), end);
      }
      const raw = join(folder, "disk.raw");
      const searched = await run(
        [
          "bash",
          "-c",
          `qemu-img convert -O raw "$1" "$2" && ! grep -q -F -a "$3" "$2"`,
          "search",
        ].concat(image, raw, PASSWORD),
        { timeoutMs: 600_000 },
      );
      assert.equal(searched.code, 0, "the password is in the image");
    });
  },
);
