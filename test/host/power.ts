/** A power cut of the host, and what is there after it. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { run } from "../../core/exec.io";
import { RemoteLab, steady, timed, untilTrue } from "./remote";

const MARK = "/var/lib/mirlab-test-mark";

export function power(of: () => RemoteLab): void {
  it("goes on after a power cut: the guest starts with its host, and `up` converges", async () => {
    const { host, lab, guest, domain } = of();
    await inGuest(of(), `echo kept | sudo tee ${MARK}; sync`);
    const inode = `virsh -c qemu:///system domblklist ${domain} --details | awk '$3 == "vda" { print $4 }' | xargs stat -c '%i %n'`;
    const before = await host.out("root", inode);
    await host.powerLoss();
    await timed("boot after the power cut", () => host.powerOn());
    await timed("the guest starts with its host", () =>
      untilTrue("the guest does not run", 600_000, async () => {
        const state = await host.ssh("root", `virsh -c qemu:///system domstate ${domain}`);
        return state.stdout.toString().trim() === "running";
      }),
    );
    const up = await steady(of(), "up after the power cut", () => lab.verb("up", "--yes"));
    assert.equal(up.code, 0, up.text);
    assert.equal(await host.out("root", inode), before, `${guest} keeps its disk`);
    assert.equal(await inGuest(of(), `cat ${MARK}`), "kept");
    const quiet = await steady(of(), "preview", () => lab.pulumi("preview", "--expect-no-changes"));
    assert.equal(quiet.code, 0, quiet.text);
  });

  it("leaves nothing by `down`", async () => {
    const { host, lab, domain } = of();
    const down = await steady(of(), "down", () => lab.verb("down", "--yes"));
    assert.equal(down.code, 0, down.text);
    const left = await host.out(
      "root",
      `virsh -c qemu:///system list --all --name | grep -x ${domain}; virsh -c qemu:///system pool-list --all --name | grep mirlab-; ls ${lab.dataDir} 2>/dev/null; true`,
    );
    assert.equal(left, "");
  });
}

/** The output of a shell command in the guest, as a person gets there. */
export async function inGuest({ lab, guest }: RemoteLab, command: string): Promise<string> {
  const { sshCommand = "" } = (await lab.outputs())[guest] as unknown as Record<string, string>;
  const ended = await run(["bash", "-c", `${sshCommand} "$1"`, "-", command], {
    timeoutMs: 300_000,
  });
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout.toString().trim();
}
