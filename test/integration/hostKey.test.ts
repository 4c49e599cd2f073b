/**
 * An sshd on loopback impersonates the guest. If its host key is not the pinned one, the lab runs
 * nothing in it and fails at once. The domain is real, but without a disk: no guest system boots.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { provider as boot } from "../../components/guest/boot.provider";
import { waitForSsh } from "../../components/guest/boot.io";
import { GuestBootInputs } from "../../components/guest/boot";
import { forgetLooks } from "../../components/guest/look.io";
import { SshTarget } from "../../core/target";
import {
  MirReadinessProps,
  provider as readiness,
} from "../../components/readiness/readiness.provider";
import { freePort } from "./loopback";
import { makeKey, noSshd, pinnedTarget, Sshd } from "./sshd";
import { virsh } from "./support";

const DOMAIN = `mirlab-test-hostkey-${process.pid}`;
const ALIAS = "mirlab-test-guest";
const folder = mkdtempSync(join(tmpdir(), "mirlab-hostkey-"));
const canary = join(folder, "canary");

const DEFINITION = `<domain type='qemu'>
  <name>${DOMAIN}</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
</domain>`;

/** The lab's connection to the guest, with `hostKey` as the pinned key. */
const pinned = (sshd: Parameters<typeof pinnedTarget>[0], hostKey: string): SshTarget =>
  pinnedTarget(sshd, { folder, alias: ALIAS, hostKey });

const bootInputs = (guest: SshTarget, adopted: boolean): GuestBootInputs => ({
  ...{ guest, domain: DOMAIN, bootId: "of-the-test", acceleration: "tcg", serialLog: "" },
  ...(adopted ? { adopted: true } : {}),
});

/** The result of a refresh of a guest that was ready. */
async function refreshed(guest: SshTarget): Promise<MirReadinessProps> {
  const result = await readiness.read?.("of-the-test", {
    ...{ guest, domain: DOMAIN, bootId: "of-the-test", acceleration: "tcg", serialLog: "" },
    gates: { kernel: ">= 3.18", mesa: ">= 10.3.0" },
    picture: join(folder, "screen.png"),
    ...{ session: "", status: "ready", reasons: [], facts: null },
    ...{ verdicts: [], pictureSha256: "", pictureTime: "" },
  });
  assert.equal(result?.id, "of-the-test", "the guest is not reported as deleted");
  assert.ok(result.props);
  return result.props;
}

describe(
  "a guest with another SSH host key than the pinned one",
  {
    timeout: 180_000,
    skip: noSshd ?? false,
  },
  () => {
    let sshd!: Sshd;
    let otherKey = "";

    before(async () => {
      const started = await run(["scripts/host/libvirtd.sh", "start"], { timeoutMs: 90_000 });
      assert.equal(started.code, 0, started.stderr);
      const file = join(folder, "domain.xml");
      writeFileSync(file, DEFINITION);
      // A transient domain: destroy removes it.
      assert.equal(await virsh("create", file), "");
      sshd = await Sshd.start({ forced: `touch ${canary}` });
      otherKey = await makeKey(join(folder, "other"));
    });
    afterEach(() => rmSync(canary, { force: true }));
    after(async () => {
      await virsh("destroy", DOMAIN);
      await sshd.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it("is reached with the pinned key: the canary records each command", async () => {
      for (const type of ["ed25519", "ecdsa", "rsa"] as const) {
        await waitForSsh(bootInputs(pinned(sshd, sshd.hostKey(type)), false));
        assert.ok(existsSync(canary), `${type}: something was run`);
        rmSync(canary);
      }
    });

    for (const [adopted, fix] of [
      [false, "run 'pulumi up --replace' on the guest's domain, if you replaced the key"],
      [true, "set guests[].image.ssh.hostKey to the new key, if the owner replaced it"],
    ] as const) {
      const kind = adopted ? "an adopted" : "a made";
      it(`is refused at once, with nothing run in it: ${kind} guest`, async () => {
        const inputs = bootInputs(pinned(sshd, otherKey), adopted);
        for (const attempt of [waitForSsh, boot.create]) {
          await assert.rejects(attempt(inputs), (error: Error) => {
            const start =
              `${DOMAIN}: found another SSH host key than the pinned one (nothing was run there); ` +
              `need the pinned key; fix: ${fix}`;
            assert.equal(error.message.split("\n")[0], start);
            return true;
          });
        }
        assert.ok(!existsSync(canary));
      });
    }

    it("is refused as well when it has no key of the pinned kind", async () => {
      const other = await Sshd.start({ hostKeys: ["ecdsa"], forced: `touch ${canary}` });
      try {
        await assert.rejects(
          waitForSsh(bootInputs(pinned(other, otherKey), false)),
          /found another SSH host key than the pinned one \(nothing was run there\); need the pinned key/,
        );
        assert.ok(!existsSync(canary));
        assert.doesNotMatch(other.log, /Accepted publickey/);
      } finally {
        await other.stop();
      }
    });

    it("is reported by refresh as unreachable, with this reason, and is not deleted", async () => {
      const { status, reasons } = await refreshed(pinned(sshd, otherKey));
      assert.deepEqual(
        [status, reasons],
        ["unreachable", ["its SSH host key is not the pinned one"]],
      );
      assert.ok(!existsSync(canary));
    });

    it("is distinguished from a guest that does not answer at all", async () => {
      // As in another run of the engine: do not reuse the last answer.
      forgetLooks();
      const silent = { port: await freePort(), user: sshd.user, identityFile: sshd.identityFile };
      const { status, reasons } = await refreshed(pinned(silent, otherKey));
      assert.equal(status, "unreachable");
      assert.match(
        reasons.join("\n"),
        /^ssh: connect to host 127\.0\.0\.1 port \d+: Connection refused/,
      );
    });

    it("never got a login with the wrong key", () => {
      const logins = sshd.log.match(/Accepted publickey/g) ?? [];
      assert.equal(logins.length, 3, "those of the pinned keys only");
    });
  },
);
