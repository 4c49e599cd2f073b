/**
 * A fresh Debian host, by host.ssh, as a user with password-free sudo: one `up` converges to a Mir guest under KVM,
 * confined by AppArmor; the second changes nothing.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pictureFacts, pictureFault, readPicture } from "../../components/readiness/picture";
import { note, tried } from "./record";
import { assertConfined, converges, RemoteLab, silent, succeeds } from "./support";

/** Where pictures and outputs of a run are kept, for docs/tested.md; unset: nowhere. */
const KEEP = process.env.MIRLAB_TEST_KEEP_OUTPUT;

interface GuestOutputs {
  readonly screenshot: string;
  readonly readiness: string;
  readonly acceleration: string;
}

export function remote(of: () => RemoteLab): void {
  tried("converges by one `up`, as a user with sudo, to a Mir guest under KVM", async () => {
    const { host, lab, guest, domain } = of();
    await converges(of(), "first up");
    const outputs = (await lab.outputs())[guest] as unknown as GuestOutputs;
    assert.equal(outputs.readiness, "ready");
    assert.match(outputs.acceleration, /^kvm: /);
    assert.match(await host.virsh(`dumpxml ${domain}`), /<domain type='kvm'/);
    assert.equal(
      pictureFault(pictureFacts(readPicture(readFileSync(outputs.screenshot)))),
      undefined,
    );
    if (KEEP !== undefined) {
      mkdirSync(KEEP, { recursive: true });
      copyFileSync(outputs.screenshot, join(KEEP, "kvm.png"));
    }
  });

  tried("has the guest confined by AppArmor", async () => {
    const { host, domain } = of();
    const profile = await assertConfined(host, domain);
    const status = await host.out("root", "aa-status --json 2>/dev/null || aa-status");
    note(`aa-status: ${profile} ${status.includes(profile) ? "listed" : "not listed"}`);
  });

  tried("changes nothing by a second `up`, and its preview is silent", async () => {
    const { lab } = of();
    const again = () => lab.pulumi("up", "--yes", "--skip-preview");
    const { text } = await succeeds(of(), "second up", again);
    assert.match(text, /\n {4}\d+ unchanged\n/);
    assert.doesNotMatch(text, /\n {4}[+~-]/);
    await silent(of());
  });
}
