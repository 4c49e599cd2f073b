/**
 * The broken guests: how to break each one, the check that has to report it, and how to undo it.
 * Data.
 */

/** One side of a mutation. Its texts are for bash. */
export interface Step {
  /** Runs as root in the guest. */
  readonly guest?: string;
  /**
   * Runs on this machine after `guest`; environment: DOMAIN, and the guest's SSH_CONFIG and ALIAS.
   */
  readonly host?: string;
  /** The step reboots the guest. */
  readonly boots?: boolean;
  /** Keys of the guest's configuration, set first. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Then a plain `up` has to succeed. */
  readonly up?: boolean;
}

export interface Broken {
  readonly id: string;
  /** A person's description. */
  readonly what: string;
  /** Id of the check that has to be reported. */
  readonly check: string;
  /** Part of the check's remedy. */
  readonly remedy: string;
  /** Other checks that may be reported, because they fail too. */
  readonly also?: readonly string[];
  /** A check that does not notice: it has to be met. */
  readonly met?: string;
  readonly make: Step;
  readonly undo: Step;
  /**
   * How to check readiness: by the provider alone; by `up --target` of the readiness alone, so that
   * nothing heals the guest before; or by a plain `up`, which cannot heal it. @default "provider"
   */
  readonly by?: "provider" | "target" | "up";
  /** Patterns that a plain preview has to print. */
  readonly preview?: readonly RegExp[];
  /** Part of the short form, which CI runs. */
  readonly short?: boolean;
}

const SESSION = "mir-session.service";
const UNIT = `/etc/systemd/system/${SESSION}`;
const CLIENT = "/etc/mir-session/client";
const KILLER = "mirlab-killer";
const DRI = "/usr/lib/x86_64-linux-gnu/dri";
/** After a second: the ssh command ends first. */
const REBOOT = "systemd-run --quiet --on-active=1 systemctl reboot";
const restart = `systemctl reset-failed ${SESSION}; systemctl restart ${SESSION}`;

/** A client that connects and never shows a window. */
const MUTE = [
  "python3",
  "-c",
  'import signal, socket; s = socket.socket(socket.AF_UNIX); s.connect("/run/mir-session/wayland-0"); signal.pause()',
];

/** Boots the cloud kernel once by GRUB; the default entry stays. */
const BOOT_ONCE = `
release=$(find /boot -name 'vmlinuz-*-cloud-amd64' -printf '%f\\n' | sed 's/^vmlinuz-//')
entry=$(sed -n "s/.*menuentry_id_option '\\(gnulinux-$release-advanced-[^']*\\)'.*/\\1/p" /boot/grub/grub.cfg)
menu=$(sed -n "s/^submenu .*menuentry_id_option '\\([^']*\\)'.*/\\1/p" /boot/grub/grub.cfg)
grub-reboot "$menu>$entry"`;

/** Guests that need a session with a long uptime come before those that restart it. */
export const BROKEN: readonly Broken[] = [
  {
    id: "share-unmounted",
    what: "the share is unmounted in the guest",
    check: "share",
    remedy: "'systemctl restart' for the mount unit in the guest",
    make: { guest: "umount /mnt/share" },
    undo: { guest: "systemctl restart mnt-share.mount" },
  },
  {
    id: "connector-off",
    what: "the screen's connector is forced off",
    check: "display",
    remedy: "'cat /sys/class/drm/*/status' in the guest shows the connectors",
    also: ["picture", "window", "keyboard"],
    make: { guest: "echo off >/sys/class/drm/card0-Virtual-1/status" },
    undo: { guest: "echo detect >/sys/class/drm/card0-Virtual-1/status" },
  },
  {
    id: "client-draws-nothing",
    what: "the client connects and draws nothing",
    check: "window",
    remedy: "correct guests[].session.client",
    also: ["picture"],
    make: {
      guest: `cp ${CLIENT} ${CLIENT}.kept
printf '%s\\0' ${MUTE.map((word) => `'${word}'`).join(" ")} >${CLIENT}
systemctl restart mir-session-client`,
    },
    undo: { guest: `mv ${CLIENT}.kept ${CLIENT}; systemctl restart mir-session-client` },
    short: true,
  },
  {
    id: "session-stopped",
    what: "the session is stopped by hand",
    check: "session",
    remedy: "'systemctl restart mir-session'",
    make: { guest: `systemctl stop ${SESSION}` },
    undo: { guest: restart },
    by: "target",
  },
  {
    id: "session-masked",
    what: "the session's unit is masked by a link to /dev/null",
    check: "session",
    remedy: "'systemctl unmask mir-session' in the guest",
    make: {
      guest: `mv ${UNIT} /root/${SESSION}; ln -s /dev/null ${UNIT}; systemctl daemon-reload
systemctl stop ${SESSION}`,
    },
    undo: { guest: `mv -f /root/${SESSION} ${UNIT}; systemctl daemon-reload; ${restart}` },
  },
  {
    id: "session-killed",
    what: "the session is killed in a loop",
    check: "session",
    remedy: "journalctl -u mir-session -b",
    make: {
      guest: `systemd-run --quiet --unit ${KILLER} bash -c 'while :; do systemctl kill -s KILL ${SESSION}; sleep 3; done'`,
    },
    undo: { guest: `systemctl stop ${KILLER}; ${restart}` },
  },
  {
    id: "domain-suspended",
    what: "the guest hangs: 'virsh suspend'",
    check: "domain",
    remedy: "run 'virsh resume ",
    make: { host: 'virsh suspend "$DOMAIN"' },
    undo: { host: 'virsh resume "$DOMAIN"' },
  },
  {
    id: "sshd-stopped",
    what: "the guest runs, and its sshd does not",
    check: "ssh",
    remedy: "'systemctl start ssh' in the guest",
    // No login is possible afterwards: the guest agent starts sshd again.
    make: { guest: "systemctl stop ssh" },
    undo: {
      host: `virsh qemu-agent-command "$DOMAIN" '{"execute":"guest-exec","arguments":{"path":"systemctl","arg":["start","ssh"]}}'`,
    },
  },
  {
    id: "mesa-driver-away",
    what: "Mesa's driver is moved away and the session restarted",
    check: "gles",
    remedy: "with --reinstall if their files are missing",
    also: ["session", "session-steady"],
    make: { guest: `mv ${DRI} ${DRI}.away; systemctl restart ${SESSION} || true` },
    undo: { guest: `mv ${DRI}.away ${DRI}; ${restart}` },
  },
  {
    id: "client-configured-mute",
    what: "the configured client draws nothing",
    check: "window",
    remedy: "correct guests[].session.client",
    also: ["picture"],
    make: { config: { session: { client: MUTE } } },
    undo: { config: {}, up: true },
    by: "up",
  },
  {
    id: "qxl-blacklisted",
    what: "qxl is blacklisted in the guest, and the guest rebooted",
    check: "drm",
    remedy: "without qxl blacklisted",
    also: ["session", "session-steady"],
    met: "kernel",
    make: {
      guest: `printf 'blacklist qxl\\n' >/etc/modprobe.d/broken.conf; ${REBOOT}`,
      boots: true,
    },
    undo: { guest: `rm /etc/modprobe.d/broken.conf; modprobe qxl; udevadm settle; ${restart}` },
  },
  {
    id: "cloud-kernel",
    what: "Debian's cloud kernel is installed, and booted by GRUB",
    check: "kernel-qxl",
    remedy: "linux-image-amd64, not linux-image-cloud-amd64",
    also: ["kernel-9p", "drm", "share", "session", "session-steady"],
    met: "kernel",
    make: {
      host: `work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \\(linux-image-.*-cloud-amd64\\)$/\\1/p')
apt-get --quiet=2 download "$package"
ssh -F "$SSH_CONFIG" "$ALIAS" 'cat >/tmp/cloud.deb' <"$work"/*.deb
ssh -F "$SSH_CONFIG" "$ALIAS" sudo bash -s <<'GUEST'
set -euo pipefail
dpkg --install --force-depends /tmp/cloud.deb
${BOOT_ONCE}
${REBOOT}
GUEST`,
      boots: true,
    },
    undo: {
      // dpkg asks before it removes the running kernel; the default answer is no.
      guest: `debconf-set-selections <<<'linux-base linux-base/removing-running-kernel boolean false'
DEBIAN_FRONTEND=noninteractive dpkg --purge "$(dpkg-query -W -f '\${Package}\\n' 'linux-image-*-cloud-amd64')"; ${REBOOT}`,
      boots: true,
    },
  },
  {
    id: "vnc-and-cirrus",
    what: "the domain is edited from SPICE and QXL to VNC and Cirrus, and power cycled",
    check: "drm",
    remedy: "make the domain's video QXL again",
    also: ["session", "session-steady"],
    met: "kernel",
    make: {
      config: { onDrift: "report" },
      up: true,
      host: `file=$(mktemp); trap 'rm -f "$file"' EXIT
virsh dumpxml --inactive --security-info "$DOMAIN" |
  python3 -c 'import sys; from xml.etree import ElementTree as E
E.register_namespace("mirlab", "urn:mirlab:1")
tree = E.parse(sys.stdin); devices = tree.find("devices")
for old in devices.findall("graphics") + devices.findall("video"): devices.remove(old)
for old in devices.findall("channel[@type=\\"spicevmc\\"]") + devices.findall("redirdev") + devices.findall("audio"): devices.remove(old)
devices.append(E.fromstring("<graphics type=\\"vnc\\" autoport=\\"yes\\" listen=\\"127.0.0.1\\"/>"))
devices.append(E.fromstring("<video><model type=\\"cirrus\\"/></video>"))
tree.write(sys.stdout, encoding="unicode")' >"$file"
virsh define "$file"
virsh destroy "$DOMAIN"
virsh start "$DOMAIN"`,
      boots: true,
    },
    undo: { config: {}, up: true },
    by: "up",
    preview: [/video\/model\.type: declared qxl/, /graphics/],
  },
  {
    id: "kernel-panic",
    what: "the guest's kernel panics, and libvirt calls it running",
    check: "serial",
    remedy: "boot another kernel from the boot menu",
    make: {
      guest:
        "echo 0 >/proc/sys/kernel/panic; nohup bash -c 'sleep 1; echo c >/proc/sysrq-trigger' >/dev/null 2>&1 &",
    },
    undo: { host: 'virsh reset "$DOMAIN"', boots: true },
    by: "target",
  },
];
