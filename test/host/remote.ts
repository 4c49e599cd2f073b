/**
 * A fresh Debian host, by host.ssh, as a user with password-free sudo: one `up` converges to a Mir guest under KVM,
 * confined by AppArmor; the second changes nothing; `down` leaves nothing.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { pictureFacts, pictureFault, readPicture } from "../../components/readiness/picture";
import { TestLab } from "../integration/support";
import type { EmulatedHost } from "./machine";

export interface RemoteLab {
  readonly host: EmulatedHost;
  readonly lab: TestLab;
  readonly guest: string;
  readonly domain: string;
}

/** Where pictures and outputs of a run are kept, for docs/tested.md; unset: nowhere. */
const KEEP = process.env.MIRLAB_TEST_KEEP_OUTPUT;

/** Prints a line of the run's summary. */
export function note(line: string): void {
  console.log(`host: ${line}`);
}

/** Runs it, and notes how long it took. */
export async function timed<T>(what: string, run: () => Promise<T>): Promise<T> {
  const started = Date.now();
  try {
    return await run();
  } finally {
    note(`${what}: ${((Date.now() - started) / 1000).toFixed(0)} s`);
  }
}

/** Waits until the question is answered with yes. */
export async function untilTrue(
  fault: string,
  limitMs: number,
  ask: () => Promise<boolean>,
): Promise<void> {
  for (const started = Date.now(); !(await ask());) {
    assert.ok(Date.now() - started < limitMs, `${fault} after ${limitMs / 1000} s`);
    await new Promise((done) => setTimeout(done, 3000));
  }
}

/** One CPU: with two, QEMU's emulation of SVM is less steady. */
export const MACHINE = { acceleration: "kvm", autostart: true, vcpus: 1 } as const;

/** How often a run is repeated after a reset of the host. */
const RESETS = 3;

/**
 * Runs it, notes how long it took, and runs it again where it failed and the host has booted meanwhile: QEMU's
 * emulation of SVM ends in a triple fault of the host now and then. Each such reset is noted.
 */
export async function steady<T extends { readonly code: number }>(
  { host }: Pick<RemoteLab, "host">,
  what: string,
  run: () => Promise<T>,
): Promise<T> {
  for (let resets = 0; ; resets++) {
    const before = await host.bootId();
    const ended = await timed(what, run);
    if (ended.code === 0 || resets === RESETS || (await host.bootId()) === before) return ended;
    note(`${what}: failed, as the emulated host reset itself; once more`);
  }
}

/** The host as a lab's `host.ssh`. */
export const sshOf = (host: EmulatedHost, user: string): Record<string, unknown> => ({
  ...{ host: "127.0.0.1", port: host.port, user },
  ...{ privateKeyFile: host.identityFile, hostKey: host.hostKey },
});

interface GuestOutputs {
  readonly screenshot: string;
  readonly readiness: string;
  readonly acceleration: string;
}

export function remote(of: () => RemoteLab): void {
  it("converges by one `up`, as a user with sudo, to a Mir guest under KVM", async () => {
    const { host, lab, guest, domain } = of();
    const { code, text } = await steady(of(), "first up", () =>
      lab.pulumi("up", "--yes", "--skip-preview"),
    );
    assert.equal(code, 0, text);
    const outputs = (await lab.outputs())[guest] as unknown as GuestOutputs;
    assert.equal(outputs.readiness, "ready");
    assert.match(outputs.acceleration, /^kvm: /);
    const xml = await host.out("root", `virsh -c qemu:///system dumpxml ${domain}`);
    assert.match(xml, /<domain type='kvm'/);
    assert.equal(
      pictureFault(pictureFacts(readPicture(readFileSync(outputs.screenshot)))),
      undefined,
    );
    if (KEEP !== undefined) {
      mkdirSync(KEEP, { recursive: true });
      copyFileSync(outputs.screenshot, join(KEEP, "kvm.png"));
    }
  });

  it("has the guest confined by AppArmor", async () => {
    const { host, domain } = of();
    const uuid = await host.out("root", `virsh -c qemu:///system domuuid ${domain}`);
    const status = await host.out("root", "aa-status --json 2>/dev/null || aa-status");
    note(
      `aa-status: libvirt-${uuid} ${status.includes(`libvirt-${uuid}`) ? "listed" : "not listed"}`,
    );
    const profile = await host.out(
      "root",
      `cat /proc/$(cat /run/libvirt/qemu/${domain}.pid)/attr/current`,
    );
    assert.equal(profile, `libvirt-${uuid} (enforce)`);
  });

  it("changes nothing by a second `up`, and its preview is silent", async () => {
    const { lab } = of();
    const again = () => lab.pulumi("up", "--yes", "--skip-preview");
    const second = await steady(of(), "second up", again);
    assert.equal(second.code, 0, second.text);
    assert.match(second.text, /\n {4}\d+ unchanged\n/);
    assert.doesNotMatch(second.text, /\n {4}[+~-]/);
    const quiet = await steady(of(), "preview", () => lab.pulumi("preview", "--expect-no-changes"));
    assert.equal(quiet.code, 0, quiet.text);
  });
}
