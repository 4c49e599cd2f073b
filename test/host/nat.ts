/** A guest on the lab's own network: DHCP, DNS, and the way out through the host. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { inGuest } from "./power";
import { MACHINE, RemoteLab, steady, timed } from "./remote";

export function nat(of: () => RemoteLab): void {
  it("moves to the lab's own network, and reaches Debian's archive through it", async () => {
    const { host, lab, guest } = of();
    lab.configure([{ ...MACHINE, name: guest, network: { mode: "nat" } }]);
    const up = await steady(of(), "up to network.mode nat", () => lab.verb("up", "--yes"));
    assert.equal(up.code, 0, up.text);
    const leases = await host.out(
      "root",
      "virsh -c qemu:///system net-dhcp-leases $(virsh -c qemu:///system net-list --name | grep mirlab-)",
    );
    assert.match(leases, /192\.168\.130\.\d+\/24/);
    assert.match(await inGuest(of(), "ip -4 -brief addr"), /192\.168\.130\./);
    await timed("apt-get update in the guest", () => inGuest(of(), "sudo apt-get -q update"));
    const quiet = await steady(of(), "preview", () => lab.pulumi("preview", "--expect-no-changes"));
    assert.equal(quiet.code, 0, quiet.text);
  });

  it("heals a network that was stopped under its guest", async () => {
    const { host, lab } = of();
    await host.out(
      "root",
      "virsh -c qemu:///system net-destroy $(virsh -c qemu:///system net-list --name | grep mirlab-)",
    );
    const preview = await lab.pulumi("preview");
    assert.match(preview.text, /network mirlab-\S+: state declared active, found inactive/);
    const up = await steady(of(), "up after the network was stopped", () =>
      lab.verb("up", "--yes"),
    );
    assert.equal(up.code, 0, up.text);
    await inGuest(of(), "getent hosts deb.debian.org || sudo apt-get -q update");
  });
}
