/**
 * A domain of the user's own libvirt, as GNOME Boxes makes them: adopted by that user, who has no rights of
 * root, and given back. The user is of a mount namespace of the test; libvirt and QEMU are real.
 */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { before, describe, it } from "node:test";
import { run } from "../../core/exec.io";
import { freePort } from "../integration/loopback";
import { temporaryFolder } from "../unit/support";
import { makeUser } from "./namespace";

const folder = temporaryFolder();
const UID = 23457;

const DEFINITION = `<domain type='qemu'><name>fedora-workstation</name><memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><graphics type='vnc' port='-1'/><video><model type='cirrus'/></video></devices></domain>`;

/** Adopts the domain, looks, gives it back; prints what it saw as JSON. */
const PROGRAM = (port: number): string => `(async () => {
  const { execFileSync } = require("node:child_process");
  const { provider } = require("./components/domain/adopt/adoptedDomain.provider");
  const { sameMeaning } = require("./components/domain/adopt/adoption");
  const { domainState } = require("./core/virsh.io");
  const host = { session: true };
  const virsh = (...words) =>
    execFileSync("virsh", ["--quiet", "--connect", "qemu:///session", ...words], { encoding: "utf8" });
  const xml = () => virsh("dumpxml", "--inactive", "fedora-workstation");
  require("node:fs").writeFileSync(process.env.HOME + "/d.xml", process.env.DEFINITION);
  virsh("define", process.env.HOME + "/d.xml");
  const own = xml();
  const inputs = {
    ...{ host, domain: "fedora-workstation", stack: "test", guest: "one", restart: "never" },
    ...{ directory: process.env.HOME + "/guest", wantedAcceleration: "auto", shareTag: "share" },
    ...{ spice: { port: ${port}, clipboard: false, fileTransfer: false } },
    ...{ video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 } },
  };
  console.log = (text) => console.error(text);
  try {
    const wrong = await provider.create({ ...inputs, host: undefined }).catch((error) => error.message);
    const { outs } = await provider.create(inputs);
    const adopted = xml();
    const { state } = await domainState(host, "fedora-workstation");
    const seen = await provider.read(outs.uuid, outs);
    const { changes } = await provider.diff(outs.uuid, seen.props, inputs);
    await provider.delete(outs.uuid, outs);
    const back = sameMeaning(xml(), own);
    process.stdout.write(JSON.stringify({ wrong, qxl: /type='qxl'/.test(adopted), state, changes, back }));
  } finally {
    try { virsh("destroy", "fedora-workstation"); } catch {}
    virsh("undefine", "fedora-workstation");
  }
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); })`;

/** Runs the program as the user, with a runtime folder of the user's own; ends what libvirt left of it. */
async function asUser(program: string) {
  const inside = `${makeUser({ name: "ann", uid: UID, home: "/home/ann" })}
    # A short home: libvirt's sockets are in it, and their paths have 107 bytes at the most.
    mount -t tmpfs tmpfs /home
    mkdir -m 0700 /home/ann /home/ann/run
    chown -R ${UID}:${UID} /home/ann
    # This shell stays: QEMU is a daemon, and libvirt waits until somebody has reaped it.
    setpriv --reuid=${UID} --regid=${UID} --clear-groups \\
      env HOME=/home/ann XDG_RUNTIME_DIR=/home/ann/run node --require ./core/register.js -e "$2"
    exit`;
  const words = [
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "bash",
    "-c",
  ];
  return run([...words, inside, "test", folder, program], {
    timeoutMs: 100_000,
    env: { DEFINITION },
  });
}

describe("a domain of qemu:///session", { timeout: 180_000 }, () => {
  before(async () => {
    chmodSync(folder, 0o755);
    const packages = ["qemu-system-x86", "libvirt-daemon-system", "libvirt-clients"];
    const made = await run(["scripts/host/packages.sh", "install", ...packages], {
      timeoutMs: 170_000,
    });
    assert.equal(made.code, 0, made.stderr);
  });

  it("is adopted by its user, and given back to the letter", async () => {
    const ended = await asUser(PROGRAM(await freePort()));
    assert.equal(ended.code, 0, ended.stderr);
    const { wrong, ...seen } = JSON.parse(ended.stdout.toString()) as { wrong: string };
    assert.deepEqual(seen, { qxl: true, state: "running", changes: false, back: true });
    assert.ok(wrong.length > 0);
  });
});
