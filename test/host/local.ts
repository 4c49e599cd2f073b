/**
 * A lab on the host itself: a fresh clone, a user with a sudo password at a terminal, one `npm run up`; then a user
 * without root's rights looks at a lab of their own host.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { shellWord } from "../../core/quote";
import { ROOT } from "../integration/support";
import type { EmulatedHost } from "./machine";
import { note, timed, tried } from "./record";
import { steady, succeeds } from "./support";

const HOME = "/home/op";

/** What an hour of downloads and compilers would bring: a clone with its npm packages, Node.js, the engine. */
export function checkout(): { readonly folders: Map<string, string>; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "mirlab-checkout-"));
  const clone = join(folder, "clone");
  execFileSync("git", ["clone", "--quiet", "--no-hardlinks", ROOT, clone]);
  // The host has no git.
  const sums = "git ls-files -z | xargs -0 sha256sum -- >../sums";
  execFileSync("bash", ["-e", "-o", "pipefail", "-c", sums], { cwd: clone, stdio: "ignore" });
  const registry = join(
    process.env.MIRLAB_CACHE ?? join(homedir(), ".cache", "mirlab"),
    "toolchain",
    "registry",
  );
  const npm = execFileSync("npm", ["root", "--global"], { encoding: "utf8" }).trim();
  return {
    folders: new Map([
      ["clone", clone],
      ["sums", join(folder, "sums")],
      ["node_modules", join(ROOT, "node_modules")],
      ["registry", registry],
      ["node", process.execPath],
      ["npm", join(npm, "npm")],
    ]),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const PLACE = `set -e
cd /var/cache/mirlab
install -m 755 node /usr/local/bin/node
mkdir -p /usr/local/lib/node_modules
[ -e /usr/local/lib/node_modules/npm ] || mv npm /usr/local/lib/node_modules/npm
ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
# npm's own record is newer than the clone's list of packages, as after npm ci.
mv node_modules clone/node_modules
touch clone/node_modules/.package-lock.json
mkdir -p ${HOME}/mirlab ${HOME}/.cache/mirlab/toolchain/registry
chown -R op:op clone registry ${HOME}/.cache
# The host may reset itself: a boot mounts them, too.
cat >>/etc/fstab <<'EOF'
/var/cache/mirlab/clone ${HOME}/mirlab none bind,x-systemd.requires-mounts-for=/var/cache/mirlab 0 0
/var/cache/mirlab/registry ${HOME}/.cache/mirlab/toolchain/registry none bind,x-systemd.requires-mounts-for=/var/cache/mirlab 0 0
EOF
systemctl daemon-reload
mount ${HOME}/mirlab
mount ${HOME}/.cache/mirlab/toolchain/registry`;

/** The one guest, with one CPU; see MACHINE. */
const ONE_CPU = `sed -i 's/^    - name: mir$/&\\n      vcpus: 1/' mirlab/Pulumi.dev.yaml`;

export function local(of: () => { readonly host: EmulatedHost }): void {
  tried("converges by `npm run up` at a terminal, as a user with a sudo password", async () => {
    const { host } = of();
    await timed("the checkout is put in its place", () => host.out("root", PLACE));
    await host.out("op", ONE_CPU);
    const up = await succeeds(of(), "first up of a user with a sudo password", () =>
      host.atTerminal("op", "cd mirlab && npm run up -- --yes", "password for op:", host.password),
    );
    assert.equal(up.asked, 1, "the password is asked once");
    assert.match(up.text, /ready +ready/);
    assert.match(up.text, /runs on +kvm: /);
    const changed = "cd mirlab && ! sha256sum --check --quiet /var/cache/mirlab/sums 2>/dev/null";
    assert.equal(await host.out("op", changed), "Pulumi.dev.yaml: FAILED");
  });

  tried("is looked at without root's rights, where the host is prepared", async () => {
    const { host } = of();
    await host.out("root", "gpasswd -d op sudo; usermod --append --groups kvm op");
    const check = "/^config:/a\\  mirlab:host: { packages: check }";
    await host.out("op", `sed -i ${shellWord(check)} mirlab/Pulumi.dev.yaml`);
    try {
      // Who checks packages and installs none declares another lab: `up` takes that over first.
      for (const verb of ["up -- --yes", "preview -- --expect-no-changes", "drift"]) {
        const what = `${verb.split(" ")[0] ?? ""} without root's rights`;
        const ended = await steady(of(), what, () =>
          host.ssh("op", `cd mirlab && npm run ${verb}`, { timeoutMs: 3_600_000 }),
        );
        assert.equal(ended.code, 0, ended.stdout.toString().slice(-4000) + ended.stderr);
      }
    } finally {
      // `down` is tried as the user with a sudo password again.
      await host.out("op", "sed -i '/packages: check/d' mirlab/Pulumi.dev.yaml");
      await host.out("root", "usermod --append --groups sudo op");
    }
  });

  tried("runs unit tests there", async () => {
    const { host } = of();
    const files = "test/unit/core/*.test.ts";
    const ended = await timed("unit tests of core", () =>
      host.ssh("op", `cd mirlab && node -r ./core/register.js --test ${files} 2>&1 | tail -n 12`, {
        timeoutMs: 3_600_000,
      }),
    );
    const text = ended.stdout.toString();
    note((text.match(/(?<=^# )(tests|pass|fail) \d+$/gm) ?? []).join(", "));
    assert.match(text, /^# fail 0$/m);
  });

  tried("leaves nothing by `npm run down`", async () => {
    const { host } = of();
    await succeeds(of(), "down of a user with a sudo password", () =>
      host.atTerminal(
        "op",
        "cd mirlab && npm run down -- --yes",
        "password for op:",
        host.password,
      ),
    );
    assert.equal(await host.virsh("list --all --name"), "");
  });
}
