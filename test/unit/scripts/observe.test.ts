/** What observe.sh says of settings that a host's owner may change, in a mount namespace of the test. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../../core/exec.io";
import { FakePrograms, OWN_ETC, ROOT, temporaryFolder } from "../support";

const programs = new FakePrograms();
const folder = temporaryFolder();
const PROFILE = "/etc/apparmor.d/usr.sbin.libvirtd";

/** The facts after this shell text has run in an /etc of the test; libvirt's package owns a profile there. */
async function facts(change: string): Promise<Map<string, string>> {
  programs.set(
    "dpkg-query",
    `case "$*" in
  *Conffiles*) printf ' %s %s\\n' ${PROFILE} "$(printf 'packaged\\n' | md5sum | cut -d' ' -f1)" \\
    /etc/libvirt/gone.conf d41d8cd98f00b204e9800998ecf8427e ;;
esac`,
  );
  const inside = `
    ${OWN_ETC}
    rm -rf /etc/apparmor.d /etc/polkit-1 /etc/modprobe.d
    mkdir -p /etc/apparmor.d/local/abstractions /etc/polkit-1/rules.d /etc/modprobe.d /etc/libvirt
    echo packaged >${PROFILE}; : >/etc/libvirt/gone.conf; echo '# a hint' >/etc/apparmor.d/local/usr.sbin.libvirtd
    ${change}
    exec bash "$2" -`;
  const script = join(ROOT, "scripts", "host", "observe.sh");
  const ended = await run(["unshare", "--mount", "bash", "-ec", inside, "test", folder, script], {
    env: { PATH: `${programs.folder}:/usr/sbin:/usr/bin:/bin` },
  });
  assert.equal(ended.code, 0, ended.stderr);
  const lines = ended.stdout.toString().split("\n");
  return new Map(
    lines.flatMap((line) => {
      const [kind, item = "", field = "", value = ""] = line.split("\t");
      return kind === "fact" ? [[`${item}: ${field}`, value] as const] : [];
    }),
  );
}

const ITEMS = [
  ...["settings libvirt: edited", "apparmor: local", "polkit: rules", "kvm: options"],
] as const;

describe("observe.sh, of what a host's owner may set", { timeout: 60_000 }, () => {
  it("says none where nothing was set", async () => {
    const seen = await facts("");
    assert.deepEqual(
      ITEMS.map((item) => seen.get(item)),
      ["none", "none", "none", "none"],
    );
  });

  for (const [item, change, value] of [
    [ITEMS[0], `echo mine >>${PROFILE}`, /^\/etc\/apparmor\.d\/usr\.sbin\.libvirtd [0-9a-f]{8}$/],
    [ITEMS[0], "rm /etc/libvirt/gone.conf", /^\/etc\/libvirt\/gone\.conf removed$/],
    [ITEMS[1], "echo '/srv/** r,' >>/etc/apparmor.d/local/usr.sbin.libvirtd", /^[0-9a-f]{16}$/],
    [
      ...[ITEMS[2], "touch /etc/polkit-1/rules.d/{50-b,10-a}.rules"],
      /^10-a\.rules [0-9a-f]{8}, 50-b\.rules [0-9a-f]{8}$/,
    ],
    [
      ...[ITEMS[3], "echo 'options kvm_amd nested=0' >/etc/modprobe.d/x.conf"],
      /^options kvm_amd nested=0$/,
    ],
  ] as const) {
    it(`names ${item} after: ${change}`, async () => {
      const seen = await facts(change);
      assert.match(seen.get(item) ?? "nothing", value);
      const others = ITEMS.filter((other) => other !== item);
      assert.deepEqual(
        others.map((other) => seen.get(other)),
        ["none", "none", "none"],
      );
    });
  }

  // systemd 262 prints them in another order than 257.
  for (const [when, order] of [
    ["first", (id: string, rest: string) => `${id}${rest}`],
    ["last", (id: string, rest: string) => `${rest}${id}`],
  ] as const)
    it(`names the state of each socket on a host with systemd, which prints a unit's id ${when}`, async () => {
      const unit = (id: string, state: string): string =>
        `${order(`Id=${id}\\n`, `ActiveState=active\\nUnitFileState=${state}\\nDropInPaths=\\n`)}\\n`;
      const units = ["libvirtd.service", "virtlogd.service"].map((id) => unit(id, "enabled"));
      const sockets = [
        ...[unit("libvirtd.socket", "disabled"), unit("virtlogd.socket", "enabled")],
        unit("virtlockd.socket", "masked"),
      ];
      programs.set("systemctl", `printf '${[...units, ...sockets].join("")}'`);
      const seen = await facts("mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system");
      assert.deepEqual(
        ["libvirtd", "virtlogd", "virtlockd"].map((name) => seen.get(`service ${name}: socket`)),
        ["disabled", "enabled", "masked"],
      );
      assert.equal(seen.get("service libvirtd: state"), "running");
    });
});
