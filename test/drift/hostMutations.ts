/** Changes of the lab host, each with the tool that a person would use. */
import { Mutation } from "./run";

/** Adds a setting; the last one of a key wins. */
const SET_CONF = `printf '%s\\n' "$2" >>"$1"`;

export const HOST_MUTATIONS: readonly Mutation[] = [
  {
    id: "package-removed",
    item: "package fdisk: declared installed, found missing",
    mutate: "dpkg --remove fdisk",
  },
  {
    id: "package-held",
    item: "package curl: hold was no, found yes",
    mutate: "apt-mark hold curl",
    restore: "apt-mark unhold curl",
  },
  {
    id: "program-edited",
    item: "file /usr/bin/qemu-nbd: content declared as packaged, found changed",
    mutate: "printf x >>/usr/bin/qemu-nbd",
  },
  {
    id: "qemu-conf-edited",
    item: "config qemu.conf: security_default_confined was 1, found 0",
    mutate: [SET_CONF, "/etc/libvirt/qemu.conf", "security_default_confined = 0"],
    restore: "sed -i -e '/^security_default_confined = 0$/d' /etc/libvirt/qemu.conf",
  },
  {
    id: "libvirtd-conf-edited",
    item: "config libvirtd.conf: unix_sock_rw_perms was 0777, found 0775",
    mutate: [SET_CONF, "/etc/libvirt/libvirtd.conf", 'unix_sock_rw_perms = "0775"'],
    restore: `sed -i -e '/^unix_sock_rw_perms = "0775"$/d' /etc/libvirt/libvirtd.conf`,
  },
  {
    id: "apparmor-profile-edited",
    item: "settings libvirt: edited was none, found /etc/apparmor.d/usr.sbin.libvirtd ",
    mutate: "printf '# mine\\n' >>/etc/apparmor.d/usr.sbin.libvirtd",
    restore: "sed -i -e '/^# mine$/d' /etc/apparmor.d/usr.sbin.libvirtd",
  },
  {
    id: "apparmor-local-rule",
    item: "apparmor: local was none, found ",
    mutate: [SET_CONF, "/etc/apparmor.d/local/usr.sbin.libvirtd", "/srv/** r,"],
    restore: "sed -i -e '/^.srv.. r,$/d' /etc/apparmor.d/local/usr.sbin.libvirtd",
  },
  {
    id: "polkit-rule",
    item: "polkit: rules was none, found 10-mirlab-test.rules ",
    mutate: "printf '// none\\n' >/etc/polkit-1/rules.d/10-mirlab-test.rules",
    restore: "rm /etc/polkit-1/rules.d/10-mirlab-test.rules",
  },
  {
    id: "kvm-options",
    item: "kvm: options was none, found options kvm_amd nested=0",
    mutate: "echo options kvm_amd nested=0 >/etc/modprobe.d/mirlab-test.conf",
    restore: "rm /etc/modprobe.d/mirlab-test.conf",
  },
  {
    id: "lab-folder-mode",
    item: "folder $DATA/$STACK: mode declared 711, found 755",
    mutate: 'chmod 755 "$DATA/$STACK"',
  },
  {
    id: "data-folder-mode",
    item: "folder $DATA: mode was 755, found 777",
    mutate: 'chmod 777 "$DATA"',
    restore: 'chmod 755 "$DATA"',
  },
  {
    id: "lab-mark-removed",
    item: "folder $DATA/$STACK: mark declared $STACK ",
    mutate: 'rm "$DATA/$STACK/.mirlab-stack"',
  },
  {
    id: "pool-folder-owner",
    item: "folder $DATA/$STACK/pool: owner declared root:root, found nobody:root",
    mutate: 'chown nobody "$DATA/$STACK/pool"',
  },
  {
    id: "pool-folder-mode",
    item: "folder $DATA/$STACK/pool: mode declared 711, found 777",
    mutate: 'chmod 777 "$DATA/$STACK/pool"',
  },
  {
    id: "log-folder-mode",
    item: "folder $DATA/$STACK/log: mode declared 711, found 700",
    mutate: 'chmod 700 "$DATA/$STACK/log"',
  },
  {
    id: "shares-folder-mode",
    item: "folder $DATA/$STACK/shares: mode declared 711, found 755",
    mutate: 'chmod 755 "$DATA/$STACK/shares"',
  },
  {
    id: "shares-folder-owner",
    item: "folder $DATA/$STACK/shares: owner declared root:root, found root:libvirt",
    mutate: 'chgrp libvirt "$DATA/$STACK/shares"',
  },
  {
    id: "share-mode",
    item: "folder $DATA/$STACK/shares/$GUEST: mode declared 2770, found 2777",
    mutate: 'chmod 2777 "$DATA/$STACK/shares/$GUEST"',
  },
  {
    id: "share-owner",
    item: "folder $DATA/$STACK/shares/$GUEST: owner declared libvirt-qemu:libvirt, found root:libvirt",
    mutate: 'chown root "$DATA/$STACK/shares/$GUEST"',
  },
  {
    id: "ports-edited",
    // Not together with an edit of the forward: the contract reads the ports from the domain.
    apart: true,
    item: "ports $STACK.$GUEST: reserved declared",
    mutate: 'echo "29998 29999" >"$DATA/ports/$STACK.$GUEST"',
  },
  {
    id: "ports-removed",
    item: "ports $STACK.$GUEST: reserved declared",
    mutate: 'rm "$DATA/ports/$STACK.$GUEST"',
    apart: true,
  },
  {
    id: "pool-autostart",
    item: "pool mirlab-$STACK: autostart declared yes, found no",
    mutate: 'virsh --connect qemu:///system pool-autostart "mirlab-$STACK" --disable',
  },
  {
    id: "image-mode",
    item: ".qcow2: mode declared 444, found 666",
    mutate: 'chmod 666 "$IMAGE"',
  },
  {
    id: "forward-removed",
    item: "forwards mirlab-$STACK-$GUEST: ssh declared 127.0.0.1:",
    mutate:
      'virsh --connect qemu:///system qemu-monitor-command --hmp "mirlab-$STACK-$GUEST" "hostfwd_remove mirlab0 tcp:127.0.0.1:$SSH_PORT"',
  },
  {
    id: "group-left",
    item: "user libvirt-qemu: in group kvm declared yes, found no",
    mutate: "usermod --gid libvirt-qemu libvirt-qemu",
    restore: "usermod --gid kvm libvirt-qemu",
    guard: "! pgrep -u libvirt-qemu",
  },
  {
    id: "kvm-device-owner",
    item: "/dev/kvm: owner was root:kvm 660, found root:kvm 640",
    mutate: "chmod 640 /dev/kvm",
    restore: "chmod 660 /dev/kvm",
    guard: 'test "$(stat -c "%U:%G %a" /dev/kvm)" = "root:kvm 660"',
    // Meanwhile libvirt does not trust its cache, and probes QEMU before every step.
    apart: true,
  },
  {
    id: "volume-rebased",
    item: ".qcow2: backing file declared",
    // The guest is shut down first: QEMU locks the disk of a running one.
    mutate: `virsh --quiet --connect qemu:///system shutdown "mirlab-$STACK-$GUEST"
      until virsh --connect qemu:///system domstate "mirlab-$STACK-$GUEST" | grep -q "shut off"; do sleep 1; done
      qemu-img rebase -u -F qcow2 -b "$IMAGE.moved" "$DISK"`,
    refused: true,
    restore: 'qemu-img rebase -u -F qcow2 -b "$IMAGE" "$DISK"',
  },
  {
    id: "image-rewritten",
    item: ".qcow2: digest was sha256:",
    // Only in a cache of the test's own: the overlays of other labs' guests use the same image.
    mutate: 'cp -p "$IMAGE" "$IMAGE.kept" && printf x >>"$IMAGE"',
    refused: true,
    restore: 'mv -f "$IMAGE.kept" "$IMAGE"',
    guard: 'test "$CACHE" != /var/cache/mirlab',
  },
  {
    id: "libvirtd-stopped",
    item: "service libvirtd: declared running, found stopped",
    mutate: "kill $(cat /run/libvirtd.pid) && sleep 2",
    // Only if this lab is alone on the host: other guests need libvirtd.
    guard:
      'test ! -d /run/systemd/system && test "$(virsh --quiet --connect qemu:///system list --name | sed "/^$/d" | grep -cv "^mirlab-$STACK-")" = 0',
    byVerb: true,
  },
  {
    id: "pool-undefined",
    item: "pool mirlab-$STACK: declared active, found missing",
    mutate:
      'virsh --connect qemu:///system pool-destroy "mirlab-$STACK" && virsh --connect qemu:///system pool-undefine "mirlab-$STACK"',
    byVerb: true,
    apart: true,
  },
];
