/** `lab up` of a lab on another machine: what the engine asks of the host is put right before the engine starts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { host, programs as ofProgram } from "../program";
import { calls, engine, folder, lab, LAB, programs, stack, state } from "./standIn";

const KEY = join(folder, "id");
const SPICE = "qemu-system-modules-spice";
/** What the doctor reads beside the facts of every look. */
const FULL = {
  ...{ suite: "trixie", rights: "sudo", user: "admin", kvmModules: "kvm", kvmDevice: "absent" },
  ...{ cpuFlags: "svm", product: "x", udev: "yes", systemd: "yes", apparmor: "yes" },
  virtiofsd: "-",
};

before(async () => {
  const made = await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY]);
  assert.equal(made.code, 0, made.stderr);
  // The host's scripts come on standard input; a note of each that is no look.
  programs.set(
    "ssh",
    `cat >/dev/null
words="$*"
case "$*" in
  *" -W "* | *" -L "*) ;;
  *" full "*) cat "${ofProgram.folder}/facts" ;;
  *"/var/cache/mirlab"*) echo '{"acceleration":"tcg","reason":"no /dev/kvm"}' ;;
  *) printf 'host: %s\\n' "\${words##*bash -s -- }" >>'${calls}' ;;
esac`,
  );
});

/** A lab of the state on a host with these facts. */
function labOn(facts: Readonly<Record<string, string>>): void {
  host({ ...FULL, ...facts });
  state(...LAB);
  stack(`config:
  mirlab:host:
    ssh: { host: 192.0.2.1, user: admin, privateKeyFile: '${KEY}', hostKey: 'ssh-ed25519 ${"A".repeat(68)}' }
  mirlab:guests:
    - name: mir
`);
}

/** The host's scripts that one `up` runs before the engine's. */
async function steps(facts: Readonly<Record<string, string>>): Promise<string[]> {
  labOn(facts);
  const { code, err, asked } = await lab(["up", "--yes"]);
  assert.equal(code, 0, err);
  const up = asked.findIndex((line) => line.startsWith("up "));
  assert.ok(up > 0, asked.join("\n"));
  return asked.slice(0, up).filter((line) => line.startsWith("host: "));
}
const POOL = "host: pool-define mirlab-dev /var/lib/mirlab/dev/pool";

describe("a lab on another machine", () => {
  it("gets a lost pool defined, and nothing else that is right", async () => {
    assert.deepEqual(await steps({ package: `${SPICE} 1:10.0.13 qemu` }), [POOL]);
  });

  it("gets a removed package and its user's right to ask libvirt back first", async () => {
    assert.deepEqual(await steps({ package: `${SPICE} -`, libvirt: "denied" }), [
      ...[`host: install ${SPICE}`, "host: start"],
      POOL,
    ]);
  });

  for (const verb of ["preview", "drift"]) {
    it(`is explained by ${verb} where the engine only has a provider's words`, async () => {
      engine("echo 'error: authentication unavailable' >&2; exit 255");
      labOn({ package: `${SPICE} -`, libvirt: "denied" });
      const { code, err } = await lab([verb]);
      assert.notEqual(code, 0);
      assert.match(
        err,
        /^lab: 192\.0\.2\.1: libvirt: access denied; 'npm run up' adds admin to the group libvirt$/m,
      );
      assert.match(
        err,
        new RegExp(`packages: not installed: ${SPICE}; 'npm run up' installs them`),
      );
      assert.match(err, /^lab: run 'lab up', which repairs this$/m);
    });
  }

  it("is not explained where nothing of it is wrong", async () => {
    engine("exit 1");
    labOn({ package: `${SPICE} 1:10.0.13 qemu` });
    const { code, err } = await lab(["preview"]);
    assert.deepEqual([code, err], [1, ""]);
  });

  it("lets its user ask libvirt again before it goes down", async () => {
    labOn({});
    const { code, err, asked } = await lab(["down", "--yes"]);
    assert.equal(code, 0, err);
    const started = asked.indexOf("host: start");
    assert.ok(started >= 0 && started < asked.findIndex((line) => line.startsWith("destroy ")));
  });
});
