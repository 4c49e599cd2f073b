/** Labs on an emulated host with systemd, AppArmor and KVM; run.sh has its arguments. */
import { describe } from "node:test";
import { join } from "node:path";
import { existsSync, readdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { CACHE_DIR, ROOT } from "../integration/support";
import { EmulatedHost, installTools, Release } from "./machine";
import { acceleration } from "./acceleration";
import { drift } from "./drift";
import { checkout, local } from "./local";
import { nat } from "./nat";
import { power } from "./power";
import { record } from "./record";
import { remote } from "./remote";
import { hostOfTests, labOnHost, MACHINE, RemoteLab } from "./support";

const words = (variable: string, otherwise: string): string[] =>
  (process.env[variable] || otherwise).split(" ");
const releases = words("MIRLAB_TEST_HOSTS", "debian13") as Release[];
const ways = words("MIRLAB_TEST_WAYS", "ssh local");
/** In this order: the last takes the lab down. */
const PARTS: Readonly<Record<string, (of: () => RemoteLab, release: Release) => void>> = {
  drift,
  acceleration,
  nat,
  power,
};
const TIMEOUT = { timeout: 6 * 3_600_000 };

/** The files of the guest's image, built on this machine: the emulated host would take an hour for it. */
async function images(): Promise<string[]> {
  await installTools();
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
  if (ways.includes("ssh"))
    describe(`a fresh ${release}, by host.ssh`, TIMEOUT, () => {
      const boot = async () => EmulatedHost.start(release, { images: await images() });
      const of = labOnHost(boot, "hosttest", MACHINE, (host, ended) =>
        record(host, release, "ssh", ended),
      );
      remote(of);
      const asked = words("MIRLAB_TEST_PARTS", Object.keys(PARTS).join(" "));
      for (const [name, part] of Object.entries(PARTS)) if (asked.includes(name)) part(of, release);
    });
  if (ways.includes("local"))
    describe(`a fresh ${release}, itself a lab's host`, TIMEOUT, () => {
      local(
        hostOfTests(
          async () => {
            const { folders, remove } = checkout();
            try {
              return await EmulatedHost.start(release, { images: await images(), folders });
            } finally {
              remove();
            }
          },
          (host, ended) => record(host, release, "local", ended),
        ),
      );
    });
}
