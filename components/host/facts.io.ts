/** Collects the lab host's facts, before anything is changed. */
import { ADVISORIES } from "./advisories";
import { labPackages } from "./checks/machine";
import { RELEASE_PACKAGES } from "./packages";
import { wantedPorts } from "./checks/ports";
import { HostFacts, readHostFacts } from "./facts";
import { urlImagePath } from "../../config/imageUrl";
import { Lab } from "../../config/schema";
import { connectionFault, runOnHost } from "../../core/link.io";
import { Target } from "../../core/target";

/** Packages of the lab host and of the advisories, each with its CVEs. */
function packageArgs(lab: Lab): string[] {
  // The release is not known yet.
  const releases = Object.keys(RELEASE_PACKAGES);
  const wanted = releases.flatMap((codeName) => labPackages(lab.host, codeName));
  const names = [...wanted, ...ADVISORIES.map((a) => a.package)];
  return [...new Set(names)].flatMap((name) => {
    const ids = ADVISORIES.filter((a) => a.package === name).map((a) => a.id);
    return ["package", name, ids.join(",")];
  });
}

/** `full` adds the doctor's facts and all packages; it is slower. */
export async function hostFacts(
  host: Target,
  lab: Lab,
  depth: "quick" | "full" = "quick",
): Promise<HostFacts> {
  const { dataDir, cacheDir } = lab.host;
  const shares = lab.guests.flatMap((g) =>
    g.share.path === undefined ? [] : ["share", g.share.path],
  );
  const images = lab.guests.flatMap(({ image }) =>
    "url" in image && image.url !== undefined
      ? ["image", urlImagePath(image, cacheDir), image.url]
      : [],
  );
  const ports = wantedPorts(lab).flatMap(({ port }) => ["port", String(port)]);
  const nat = lab.guests.some((guest) => guest.network.mode === "nat") ? ["subnets"] : [];
  const packages = depth === "full" ? packageArgs(lab) : [];
  const args = [depth, dataDir, cacheDir, ...shares, ...images, ...ports, ...packages, ...nat];
  const result = await runOnHost(host, "facts.sh", args, { timeoutMs: 240_000 });
  if (result.code === 0) return readHostFacts(result.stdout.toString());
  const where = host === undefined ? "this machine" : `host.ssh (${lab.host.ssh?.host ?? ""})`;
  if (connectionFault(result) === "refused-key") {
    // OpenSSH's own advice names our generated files, but the configuration pins the key.
    throw new Error(
      `${where}: found another SSH host key than the pinned one (nothing was run there); ` +
        `need host.ssh.hostKey; fix: set host.ssh.hostKey to the new key, if you replaced it`,
    );
  }
  const reason = result.stderr.trim() || "no answer";
  throw new Error(
    `${where}: found no answer (${reason}); need facts of the host; ` +
      `fix: check that it is up and host.ssh is right`,
  );
}
