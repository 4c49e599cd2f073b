import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import {
  pictureIntact,
  proveKeyboard,
  provePicture,
} from "../../../../components/readiness/pictureProof.io";
import { Picture, toPng } from "../../../../components/readiness/picture";
import { FakePrograms, ROOT, temporaryFolder } from "../../support";

process.chdir(ROOT);
const programs = new FakePrograms();
const SCREEN = {
  domain: "mirlab-dev-mir",
  acceleration: "kvm" as const,
  picture: join(temporaryFolder(), "lab", "screen.png"),
  guest: { config: "/nowhere/ssh_config", alias: "mirlab-dev-mir" },
};

/** A picture with a window whose first pixels have a shade of their own. */
function shade(value: number): Picture {
  const rgb = new Uint8Array(64 * 48 * 3);
  rgb.fill(200, 0, rgb.length / 2);
  rgb.fill(value, 0, 30);
  return { width: 64, height: 48, rgb };
}

/** A screen with commands that virsh runs when it takes a picture and when it sends a key. */
function virsh(onShot: string, onKey: string): void {
  programs.set(
    "virsh",
    `cd "${programs.folder}"
case "$*" in
  *screenshot*) ${onShot}; cp screen "\${*: -1}" ;;
  *send-key*) touch key; ${onKey} ;;
esac`,
  );
}

beforeEach(() => {
  for (const name of ["key", "count"]) rmSync(join(programs.folder, name), { force: true });
  for (const name of [1, 2, 3]) {
    writeFileSync(join(programs.folder, `${name}`), toPng(shade(name * 50)));
  }
  writeFileSync(join(programs.folder, "screen"), toPng(shade(50)));
});

describe("proveKeyboard", () => {
  it("is met by a changed picture after a key, and stores it", async () => {
    virsh(":", "cp 2 screen");
    const { outcome, kept } = await proveKeyboard(SCREEN, shade(50), 0);
    assert.deepEqual(outcome, { status: "met", found: "another picture after a key" });
    assert.ok(await pictureIntact(SCREEN.picture, kept?.sha256 ?? ""));
  });

  it("is not met by a screen that does not change", async () => {
    virsh(":", ":");
    const { outcome, kept } = await proveKeyboard(SCREEN, shade(50), 0);
    assert.deepEqual(outcome, { status: "unmet", found: "the same picture 0 s after a key" });
    assert.equal(kept, undefined);
  });

  it("sends no key to a screen that changes by itself", async () => {
    // A screenshot takes two pictures: every second one shows the next shade.
    virsh(
      'n=$(($(cat count 2>/dev/null || echo 0) + 1)); echo $n >count; cp "$((n / 2 % 3 + 1))" screen',
      ":",
    );
    const { outcome } = await proveKeyboard(SCREEN, shade(250), 0);
    assert.deepEqual(outcome, { status: "unmet", found: "a screen that changes by itself" });
    assert.ok(!existsSync(join(programs.folder, "key")));
  });

  it("is not met by an empty screen after a key", async () => {
    writeFileSync(
      join(programs.folder, "2"),
      toPng({ width: 64, height: 48, rgb: new Uint8Array(64 * 48 * 3) }),
    );
    virsh(":", "cp 2 screen");
    const { outcome } = await proveKeyboard(SCREEN, shade(50), 0);
    assert.deepEqual(outcome, { status: "unmet", found: "after the key: one colour" });
  });
});

describe("provePicture", () => {
  it("returns why there is no picture", async () => {
    programs.set("virsh", "echo 'domain is not running' >&2; exit 1");
    const { outcome, sha256, time } = await provePicture(SCREEN);
    assert.deepEqual([sha256, time], ["", ""]);
    assert.match(outcome.found, /^no screenshot: .*domain is not running/);
  });

  it("is taken in the guest of a session that draws for no screen", async () => {
    programs.set("virsh", "echo 'asked the host' >&2; exit 1");
    programs.set("sudo", `shift; exec "$@"`);
    programs.set("ssh", 'eval "${*: -1}"');
    programs.set("grim", `cat "${join(programs.folder, "screen")}"`);
    const of = { ...SCREEN, platform: "virtual" as const };
    assert.equal((await provePicture(of)).outcome.found, "64x48, 50.0 % drawn");
    programs.set("grim", "echo 'failed to create display' >&2; exit 1");
    assert.equal((await provePicture(of)).outcome.found, "no screenshot: failed to create display");
  });

  it("reports the size and the drawn share", async () => {
    virsh(":", ":");
    const { outcome } = await provePicture(SCREEN);
    assert.equal(outcome.found, "64x48, 50.0 % drawn");
  });
});
