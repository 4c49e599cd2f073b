/** A guest on the lab's own network: DHCP, DNS, and the way out through the host. */
import assert from "node:assert/strict";
import { TestLab } from "../integration/support";
import { timed, tried } from "./record";
import { converges, hostValues, inGuest, MACHINE, RemoteLab, silent } from "./support";

/** libvirt's name of the lab's own network: that of its domain without the guest. */
const network = ({ domain, guest }: RemoteLab): string => domain.slice(0, -guest.length - 1);

/**
 * Fetches the archive's lists in the guest. apt-get by itself takes unreachable ones for no error. A guest that has
 * reset itself in an earlier update may have empty lists, which apt-get does not read: they go first.
 */
const reachesArchive = (of: RemoteLab): Promise<string> =>
  inGuest(of, "sudo rm -rf /var/lib/apt/lists/*; sudo apt-get -q --error-on=any update");

export function nat(of: () => RemoteLab): void {
  tried("moves to the lab's own network, and reaches Debian's archive through it", async () => {
    const { host, lab, guest } = of();
    lab.configure([{ ...MACHINE, name: guest, network: { mode: "nat" } }]);
    await converges(of(), "up to network.mode nat");
    assert.match(await host.virsh(`net-dhcp-leases ${network(of())}`), /192\.168\.130\.\d+\/24/);
    assert.match(await inGuest(of(), "ip -4 -brief addr"), /192\.168\.130\./);
    await timed("apt-get update in the guest", () => reachesArchive(of()));
    await silent(of());
  });

  tried(
    "keeps two stacks apart: one subnet is refused, and each reaches out by its own",
    async () => {
      const { host } = of();
      const [stack, guest] = ["hostsecond", "mir"];
      const guests = [{ ...MACHINE, name: guest, network: { mode: "nat" } }];
      const lab = new TestLab({ stack, guests, host: hostValues(host) });
      try {
        await lab.init();
        const refused = await lab.verb("up", "--yes");
        assert.notEqual(refused.code, 0);
        assert.match(
          refused.text,
          /192\.168\.130\.0\/24 in use by libvirt's network mirlab-hosttest/,
        );
        lab.configure(guests, { natSubnet: "192.168.131.0/24" });
        const second = { host, lab, guest, domain: `mirlab-${stack}-${guest}` };
        await converges(second, "up of a second stack");
        for (const each of [second, of()])
          await timed("apt-get update in a guest of two stacks", () => reachesArchive(each));
        await silent(of());
      } finally {
        await lab.dispose();
      }
    },
  );

  tried("reaches out beside the rules of Docker and of firewalld", async () => {
    const { host } = of();
    for (const name of ["docker.io", "firewalld"]) {
      const install = `DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends ${name}`;
      await timed(`${name} is installed`, () => host.out("root", install, 1_800_000));
      await timed(`apt-get update in the guest beside ${name}`, () => reachesArchive(of()));
    }
    await silent(of());
    await host.out("root", "systemctl disable --now firewalld docker.socket docker");
  });

  tried(
    "learns from the doctor which chain of the host's own firewall is in the way, and how it lets pass",
    async () => {
      const { host, lab } = of();
      const closed = "type filter hook forward priority filter; policy drop;";
      await host.out(
        "root",
        `nft add table inet mine; nft add chain inet mine forward '{ ${closed} }'`,
      );
      const said = await lab.verb("doctor");
      const [, remedy = "false"] =
        /nftables chain inet mine forward,.*?fix: (sudo .*?); and the same/s.exec(said.text) ?? [];
      assert.notEqual(remedy, "false", said.text);
      await assert.rejects(reachesArchive(of()), "the chain is in the way");
      await host.out("admin", remedy);
      await reachesArchive(of());
      assert.doesNotMatch((await lab.verb("doctor")).text, /chain inet mine/);
      await host.out("root", "nft delete table inet mine");
    },
  );

  tried("heals a network that was stopped under its guest", async () => {
    const { host, lab } = of();
    await host.virsh(`net-destroy ${network(of())}`);
    const preview = await lab.pulumi("preview");
    assert.match(preview.text, /network mirlab-\S+: declared active, found inactive; up starts it/);
    await converges(of(), "up after the network was stopped");
    await reachesArchive(of());
  });
}
