/**
 * Changes of a host with systemd and AppArmor. One preview names all of them; `up` repairs what it may, and records
 * the rest.
 */
import assert from "node:assert/strict";
import { note, timed, tried } from "./record";
import { converges, RemoteLab, silent } from "./support";

interface Change {
  readonly id: string;
  /** What root runs. */
  readonly does: string;
  /** How a preview names it. */
  readonly named: string;
  /** A recorded change is undone by root. */
  readonly undo?: string;
  /** What root sees when `up` has repaired it. */
  readonly repaired?: string;
  /** On these releases alone. */
  readonly only?: string;
}

const PROFILE = "/etc/apparmor.d/usr.sbin.libvirtd";
const DROP_IN = "/etc/systemd/system/libvirtd.service.d";

const CHANGES: readonly Change[] = [
  {
    ...{ id: "profile edited", does: `echo '# mine' >>${PROFILE}` },
    named: `settings libvirt: edited was none, found ${PROFILE} `,
    undo: `sed -i '/^# mine$/d' ${PROFILE}`,
  },
  {
    ...{ id: "profile in complain mode", does: `apparmor_parser -r -C ${PROFILE}` },
    named: "apparmor: libvirtd was enforce, found complain",
    undo: `apparmor_parser -r ${PROFILE}`,
  },
  {
    ...{ id: "drop-in", named: "service libvirtd: drop-ins was none, found " },
    does: `mkdir -p ${DROP_IN}; printf '[Service]\\nNice=5\\n' >${DROP_IN}/nice.conf; systemctl daemon-reload`,
    undo: `rm -r ${DROP_IN}; systemctl daemon-reload`,
  },
  {
    ...{ id: "lock daemon masked", does: "systemctl mask virtlockd.socket" },
    named: "service virtlockd: socket was enabled, found masked",
    undo: "systemctl unmask virtlockd.socket",
    only: "debian12",
  },
  {
    // It is in a package that the lab does not install.
    ...{ id: "absent lock daemon masked", does: "systemctl mask virtlockd.socket" },
    named: "service virtlockd: socket was none, found masked",
    undo: "systemctl unmask virtlockd.socket",
    only: "debian13",
  },
  {
    ...{ id: "socket activation off", does: "systemctl disable libvirtd.socket" },
    named: "service libvirtd: socket was enabled, found disabled",
    undo: "systemctl enable libvirtd.socket",
  },
  {
    ...{ id: "polkit rule", named: "polkit: rules was none, found 10-mine.rules " },
    does: "echo '// mine' >/etc/polkit-1/rules.d/10-mine.rules",
    undo: "rm /etc/polkit-1/rules.d/10-mine.rules",
  },
  {
    ...{ id: "nested parameter", named: "kvm: options was none, found options kvm_amd nested=0" },
    does: "echo options kvm_amd nested=0 >/etc/modprobe.d/mine.conf",
    undo: "rm /etc/modprobe.d/mine.conf",
  },
  {
    ...{ id: "modules removed", does: "dpkg -r --force-depends qemu-system-modules-spice" },
    named: "qemu-system-modules-spice",
    repaired: "dpkg -s qemu-system-modules-spice | grep '^Status: install ok installed'",
    only: "debian13",
  },
  {
    ...{ id: "QEMU's user out of group kvm", does: "usermod --gid nogroup libvirt-qemu" },
    named: "user libvirt-qemu: in group kvm declared yes, found no",
    repaired: "id -nG libvirt-qemu | grep -w kvm",
    undo: "usermod --gid kvm libvirt-qemu",
  },
];

export function drift(of: () => RemoteLab, release: string): void {
  const changes = CHANGES.filter(({ only }) => only === undefined || only === release);

  tried("names each change of the host, and repairs or records it", async () => {
    const { host, lab } = of();
    for (const { does } of changes) await host.out("root", does);
    const seen = await timed("preview of a changed host", () => lab.pulumi("preview"));
    const unnamed = changes.filter(({ named }) => !seen.text.includes(named));
    note(`changes of the host: ${changes.length - unnamed.length} of ${changes.length} named`);
    assert.deepEqual(
      unnamed.map(({ id }) => id),
      [],
      seen.text,
    );
    await converges(of(), "up of a changed host");
    for (const { repaired } of changes)
      if (repaired !== undefined) await host.out("root", repaired);
    await silent(of());
    for (const { undo } of changes) if (undo !== undefined) await host.out("root", undo);
    await converges(of(), "up of the host as it was");
  });

  tried(
    "says what is wrong where its user left the group libvirt, and `up` lets the user in again",
    async () => {
      const { host, lab } = of();
      await host.out("root", "gpasswd -d admin libvirt");
      const preview = await lab.verb("preview");
      assert.notEqual(preview.code, 0);
      assert.match(
        preview.text,
        /libvirt: access denied; 'npm run up' adds admin to the group libvirt/,
      );
      await converges(of(), "up after the user left the group");
    },
  );
}
