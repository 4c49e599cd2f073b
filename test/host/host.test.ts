/** Labs on an emulated host with systemd, AppArmor and KVM: npm run test:host [-- debian12|debian13]. */
import { describe } from "node:test";
import { join } from "node:path";
import { existsSync, readdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { CACHE_DIR, ROOT } from "../integration/support";
import { EmulatedHost, Release } from "./machine";
import { drift } from "./drift";
import { checkout, local } from "./local";
import { nat } from "./nat";
import { power } from "./power";
import { remote } from "./remote";
import { labOnHost, MACHINE } from "./support";

const releases = (process.env.MIRLAB_TEST_HOSTS ?? "debian13").split(",") as Release[];

/** The files of the guest's image, built on this machine: the emulated host would take an hour for it. */
function images(): string[] {
  const key = execFileSync("bash", ["scripts/host/image-build.sh", "key"], {
    cwd: ROOT,
    encoding: "utf8",
  }).trim();
  const from = join(CACHE_DIR, "images");
  if (!existsSync(join(from, `${key}.qcow2`)))
    execFileSync("bash", ["scripts/host/image-build.sh", "build", "--dir", from], {
      cwd: ROOT,
      stdio: "inherit",
    });
  return readdirSync(from)
    .filter((file) => file.startsWith(key))
    .map((file) => join(from, file));
}

for (const release of releases) {
  describe(`a fresh ${release}`, { timeout: 6 * 3_600_000 }, () => {
    const boot = async (): Promise<EmulatedHost> => {
      const { folders, remove } = checkout();
      try {
        return await EmulatedHost.start(release, { images: images(), folders });
      } finally {
        remove();
      }
    };
    const of = labOnHost(boot, "hosttest", MACHINE);
    remote(of);
    drift(of, release);
    nat(of);
    power(of);
    local(of);
  });
}
