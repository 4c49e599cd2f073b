/** Changes in a guest, each with the tool that a person would use there. */
import { Mutation } from "./run";

/** Runs TEXT in the guest as root: `sudo -n bash -c TEXT`. */
const inGuest = (text: string): readonly [string, ...string[]] => [
  'guest_ssh "sudo -n bash -c $(printf %q "$1")"',
  text,
];
const inGuestText = (text: string): string =>
  `guest_ssh sudo -n bash -s <<'IN_GUEST'\n${text}\nIN_GUEST`;

const UNIT = "/etc/systemd/system/mir-session.service";

export const GUEST_MUTATIONS: readonly Mutation[] = [
  // --- the share ---
  {
    id: "share-unmounted",
    item: "$GUEST: mount /mnt/share: declared share 9p, found missing",
    mutate: inGuest("umount /mnt/share"),
  },
  {
    id: "share-remounted",
    item: "$GUEST: mount /mnt/share: options declared",
    mutate: inGuest("mount -o remount,suid,dev /mnt/share"),
    apart: true,
  },
  {
    id: "share-disabled",
    item: "$GUEST: unit mnt-share.mount: at boot declared enabled, found disabled",
    mutate: inGuest("systemctl disable mnt-share.mount"),
  },
  {
    id: "share-unit-edited",
    item: "$GUEST: share unit /etc/systemd/system/mnt-share.mount: content declared",
    mutate: inGuest("sed -i s/cache=none/cache=loose/ /etc/systemd/system/mnt-share.mount"),
  },
  {
    id: "share-drop-in",
    item: "$GUEST: unit mnt-share.mount: drop-ins declared none, found /etc/systemd/system/mnt-share.mount.d/x.conf",
    mutate: inGuest(
      "mkdir -p /etc/systemd/system/mnt-share.mount.d && printf '[Mount]\\nOptions=ro\\n' >/etc/systemd/system/mnt-share.mount.d/x.conf",
    ),
  },
  // --- the session ---
  {
    id: "session-stopped",
    item: "$GUEST: unit mir-session.service: declared active, found inactive",
    mutate: inGuest("systemctl stop mir-session"),
  },
  {
    id: "client-stopped",
    item: "$GUEST: unit mir-session-client.service: declared active, found inactive",
    mutate: inGuest("systemctl stop mir-session-client"),
  },
  {
    id: "session-disabled",
    item: "$GUEST: unit mir-session.service: at boot declared enabled, found disabled",
    mutate: inGuest("systemctl disable mir-session"),
  },
  {
    id: "session-masked",
    item: "$GUEST: unit mir-session.service: at boot declared enabled, found masked",
    mutate: inGuest(`mv ${UNIT} /root/ && systemctl mask mir-session`),
    apart: true,
  },
  {
    id: "session-unit-edited",
    item: `$GUEST: session file ${UNIT}: content declared`,
    mutate: inGuest(`sed -i s/Restart=on-failure/Restart=no/ ${UNIT}`),
  },
  {
    id: "session-drop-in",
    item: `$GUEST: session file ${UNIT}.d/override.conf: content declared absent`,
    mutate: inGuest(
      `mkdir -p ${UNIT}.d && printf '[Service]\\nEnvironment=MIR_SERVER_CURSOR=null\\n' >${UNIT}.d/override.conf && systemctl daemon-reload`,
    ),
  },
  {
    id: "server-arguments",
    item: "$GUEST: session file /etc/mir-session/server: content declared",
    mutate: inGuest("printf 'mir_demo_server\\0--vt=2\\0' >/etc/mir-session/server"),
  },
  {
    id: "banner-mode",
    item: "$GUEST: session file /usr/local/lib/mir-session/banner: mode declared 755, found 777",
    mutate: inGuest("chmod 777 /usr/local/lib/mir-session/banner"),
  },
  {
    id: "runner-removed",
    item: "$GUEST: session file /usr/local/lib/mir-session/run: content declared",
    mutate: inGuest("rm /usr/local/lib/mir-session/run"),
  },
  {
    id: "getty-enabled",
    item: "$GUEST: unit getty@tty1.service: at boot declared disabled, found enabled",
    mutate: inGuest("systemctl enable getty@tty1.service"),
  },
  // --- graphics ---
  {
    id: "mesa-driver-removed",
    item: "dri/swrast_dri.so: content declared as packaged, found missing",
    mutate: inGuest("rm /usr/lib/x86_64-linux-gnu/dri/swrast_dri.so"),
  },
  {
    id: "gbm-edited",
    item: "libgbm.so.1.0.0: content declared as packaged, found changed",
    mutate: inGuest("printf x >>/usr/lib/x86_64-linux-gnu/libgbm.so.1.0.0"),
  },
  {
    id: "mir-tools-removed",
    item: "$GUEST: package mir-test-tools: declared installed, found missing",
    mutate: inGuest("dpkg --force-depends --remove mir-test-tools"),
  },
  {
    id: "mesa-held",
    item: "$GUEST: packages: holds was none, found libgl1-mesa-dri",
    mutate: inGuest("apt-mark hold libgl1-mesa-dri"),
    restore: inGuestText("apt-mark unhold libgl1-mesa-dri"),
  },
  {
    id: "qxl-blacklisted",
    item: "$GUEST: file /etc/modprobe.d/no-qxl.conf: content was absent",
    mutate: inGuest("echo blacklist qxl >/etc/modprobe.d/no-qxl.conf"),
    restore: inGuestText("rm /etc/modprobe.d/no-qxl.conf"),
  },
  {
    id: "initrd-changed",
    item: "$GUEST: initrd: content was",
    mutate: inGuest("printf x >>/boot/initrd.img-$(uname -r)"),
    restore: inGuestText("truncate -s -1 /boot/initrd.img-$(uname -r)"),
  },
  // --- kernel and boot loader ---
  {
    id: "grub-saved-entry",
    item: "$GUEST: boot loader: saved entry was none, found 1",
    mutate: inGuest("grub-set-default 1"),
  },
  {
    id: "grub-once",
    item: "$GUEST: boot loader: next boot's entry declared none, found 2",
    mutate: inGuest("grub-reboot 2"),
    restore: inGuestText("grub-editenv - unset next_entry"),
  },
  {
    id: "grub-settings-of-the-lab",
    item: "$GUEST: file /etc/default/grub.d/mirlab.cfg: content was",
    mutate: inGuest("echo GRUB_TIMEOUT=30 >>/etc/default/grub.d/mirlab.cfg"),
  },
  {
    id: "grub-settings-of-the-owner",
    item: "$GUEST: file /etc/default/grub: content was",
    mutate: inGuest("echo '# mine' >>/etc/default/grub"),
    restore: inGuestText("sed -i '$d' /etc/default/grub"),
  },
  {
    id: "fstab-edited",
    item: "$GUEST: file /etc/fstab: content was",
    mutate: inGuest("echo '# mine' >>/etc/fstab"),
    restore: inGuestText("sed -i '$d' /etc/fstab"),
  },
  // --- login ---
  {
    id: "group-left",
    item: "$GUEST: account mir: groups declared input render video, found input video",
    mutate: inGuest("gpasswd -d mir render"),
  },
  {
    id: "group-joined",
    item: "$GUEST: account mir: groups declared input render video, found adm input render video",
    mutate: inGuest("usermod -a -G adm mir"),
    apart: true,
  },
  {
    id: "shell-changed",
    item: "$GUEST: account mir: shell declared /bin/bash, found /bin/sh",
    mutate: inGuest("usermod --shell /bin/sh mir"),
  },
  {
    id: "password-set",
    item: "$GUEST: account mir: password declared locked, found set",
    mutate: inGuest("echo mir:guest | chpasswd"),
  },
  {
    id: "key-added",
    item: "$GUEST: account mir: authorized keys declared SHA256:",
    mutate: inGuest(
      "ssh-keygen -q -t ed25519 -N '' -C intruder -f /tmp/k && cat /tmp/k.pub >>/home/mir/.ssh/authorized_keys && rm /tmp/k /tmp/k.pub",
    ),
  },
  {
    id: "keys-mode",
    item: "$GUEST: account mir: authorized_keys file declared 600 mir, found 644 mir",
    mutate: inGuest("chmod 644 /home/mir/.ssh/authorized_keys"),
  },
  {
    id: "host-key-replaced",
    item: "$GUEST: unreachable (its SSH host key is not the pinned one)",
    mutate: inGuest(
      "cd /etc/ssh && mkdir -m 700 kept && mv ssh_host_ed25519_key* kept && ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key",
    ),
    refused: true,
    restore: `guest_ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "sudo -n sh -c 'cd /etc/ssh && mv -f kept/* . && rmdir kept'"`,
  },
  {
    id: "sshd-of-the-lab",
    item: "$GUEST: file /etc/ssh/sshd_config.d/10-mirlab.conf: content was",
    mutate: inGuest(
      "sed -i 's/PasswordAuthentication no/PasswordAuthentication yes/' /etc/ssh/sshd_config.d/10-mirlab.conf",
    ),
  },
  {
    id: "sshd-of-the-owner",
    item: "$GUEST: file /etc/ssh/sshd_config.d/99-mine.conf: content was absent",
    mutate: inGuest("echo 'X11Forwarding no' >/etc/ssh/sshd_config.d/99-mine.conf"),
    restore: inGuestText("rm /etc/ssh/sshd_config.d/99-mine.conf"),
  },
  {
    id: "sudoers-edited",
    item: "$GUEST: file /etc/sudoers.d/90-cloud-init-users: content was",
    mutate: inGuest("echo '# mine' >>/etc/sudoers.d/90-cloud-init-users"),
  },
  // --- the rest ---
  {
    id: "host-name",
    item: "$GUEST: host name: in use declared $GUEST, found other",
    mutate: inGuest("hostname other"),
  },
  {
    id: "host-name-file",
    item: "$GUEST: host name: in /etc/hostname declared $GUEST, found other",
    mutate: inGuest("echo other >/etc/hostname"),
  },
  {
    id: "clock-off",
    item: "$GUEST: clock: set declared right, found",
    mutate: inGuest("date --set='+2 hours'"),
  },
  {
    id: "timezone",
    item: "$GUEST: clock: timezone was UTC, found Europe/Berlin",
    mutate: inGuest("ln -sfn /usr/share/zoneinfo/Europe/Berlin /etc/localtime"),
    restore: inGuestText("rm /etc/localtime"),
  },
  {
    id: "root-read-only",
    item: "$GUEST: root filesystem: access declared writable, found read-only",
    // The kernel does the same when the disk fails.
    mutate: inGuest("sync; echo u >/proc/sysrq-trigger; sleep 2"),
    apart: true,
  },
  {
    id: "unit-failed",
    item: "$GUEST: systemd: failed units was none, found mine.service",
    mutate: inGuest("systemd-run --quiet --unit=mine false; sleep 2"),
    restore: inGuestText("systemctl reset-failed mine.service"),
  },
  {
    id: "default-target",
    item: "$GUEST: systemd: default target was the packaged one, found rescue.target",
    mutate: inGuest("systemctl set-default rescue.target"),
    restore: inGuestText("rm /etc/systemd/system/default.target"),
  },
];
