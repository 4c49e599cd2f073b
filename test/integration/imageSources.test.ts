/**
 * An image with a package of a signed archive on loopback, by the script that `up` runs. A build takes minutes, so it
 * runs only with MIRLAB_TEST_LONG=1.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, Server } from "node:http";
import { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createCleartextMessage, generateKey, readPrivateKey, sign } from "openpgp";
import { run } from "../../core/exec.io";
import { temporaryFolder } from "../unit/support";

const PACKAGE = "mirlab-sample";
const BUILD = { timeoutMs: 1_200_000 };
const long = process.env.MIRLAB_TEST_LONG === "1";
const sha256 = (content: Buffer | string): string =>
  createHash("sha256").update(content).digest("hex");

async function done(argv: readonly string[]): Promise<string> {
  const ended = await run(argv, BUILD);
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout.toString();
}

/** An archive of one package, signed by `privateKey`. */
async function makeArchive(folder: string, privateKey: string): Promise<void> {
  const tree = join(folder, "tree");
  mkdirSync(join(tree, "DEBIAN"), { recursive: true });
  const control = `Package: ${PACKAGE}\nVersion: 1.0\nArchitecture: all\nMaintainer: Ann <ann@example.org>\nDescription: sample\n`;
  writeFileSync(join(tree, "DEBIAN", "control"), control);
  await done(["dpkg-deb", "--root-owner-group", "--build", tree, join(folder, "sample.deb")]);
  const deb = readFileSync(join(folder, "sample.deb"));
  const index = `${control}Filename: sample.deb\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\n`;
  const place = "main/binary-amd64/Packages";
  mkdirSync(join(folder, "dists/sample/main/binary-amd64"), { recursive: true });
  writeFileSync(join(folder, "dists/sample", place), index);
  const release = `Origin: sample\nSuite: sample\nCodename: sample\nArchitectures: amd64\nComponents: main\nDate: ${new Date().toUTCString()}\nSHA256:\n ${sha256(index)} ${index.length} ${place}\n`;
  const message = await createCleartextMessage({ text: release });
  const signingKeys = await readPrivateKey({ armoredKey: privateKey });
  writeFileSync(join(folder, "dists/sample/InRelease"), await sign({ message, signingKeys }));
}

describe(
  "an image with a source of its own",
  { skip: long ? false : "set MIRLAB_TEST_LONG=1: it builds an image" },
  () => {
    const folder = temporaryFolder();
    const images = temporaryFolder();
    let server: Server;
    let uri = "";
    const keys = { ours: "", other: "" };
    const build = (key: string) =>
      run(
        [
          ...["bash", "scripts/host/image-build.sh", "build", "--dir", images, "--suite", "trixie"],
          ...["--source", `700 ${Buffer.from(key).toString("base64")} ${uri} sample main`, PACKAGE],
        ],
        BUILD,
      );

    before(async () => {
      await done(["scripts/host/packages.sh", "install", "mmdebstrap", "qemu-utils", "fdisk"]);
      const pair = () =>
        generateKey({ type: "rsa", rsaBits: 2048, userIDs: [{ name: "Ann" }], format: "armored" });
      const [ours, other] = [await pair(), await pair()];
      Object.assign(keys, { ours: ours.publicKey, other: other.publicKey });
      await makeArchive(folder, ours.privateKey);
      server = createServer((request, response) => {
        const file = join(folder, new URL(request.url ?? "/", "http://x").pathname);
        if (!existsSync(file)) response.writeHead(404).end();
        else createReadStream(file).pipe(response);
      });
      await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
      uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    after(() => {
      server.close();
    });

    it("is not built where another key signs the archive", async () => {
      const { code, stderr } = await build(keys.other);
      assert.notEqual(code, 0);
      assert.match(
        stderr,
        /found that the key does not sign the archive http:\/\/127\.0\.0\.1:\d+; need its signing key; fix: /,
      );
    });

    it("has the package, and keeps source, key and priority for the guest's own apt", async () => {
      const { code, stdout, stderr } = await build(keys.ours);
      assert.equal(code, 0, stderr);
      const image = stdout.toString().trim();
      const manifest = readFileSync(image.replace(/qcow2$/, "manifest"), "utf8");
      assert.match(manifest, new RegExp(`^  ${PACKAGE} 1\\.0$`, "m"));
      const disk = join(images, "disk.raw");
      await done(["qemu-img", "convert", "-O", "raw", image, disk]);
      const inGuest = (file: string) =>
        done(["/sbin/debugfs", "-R", `cat ${file}`, `${disk}?offset=1048576`]);
      assert.equal(
        await inGuest("/etc/apt/sources.list.d/mirlab-1.list"),
        `deb [signed-by=/etc/apt/keyrings/mirlab-1.asc] ${uri} sample main\n`,
      );
      assert.equal(await inGuest("/etc/apt/keyrings/mirlab-1.asc"), keys.ours);
      assert.equal(
        await inGuest("/etc/apt/preferences.d/mirlab-1"),
        'Package: *\nPin: origin "127.0.0.1"\nPin-Priority: 700\n',
      );
      const own = await inGuest("/etc/apt/sources.list");
      assert.doesNotMatch(own, /127\.0\.0\.1/);
      assert.match(own, / trixie main$/m);
    });
  },
);
