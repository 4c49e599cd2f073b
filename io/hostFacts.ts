/** Asks the lab host for its facts, before anything is touched. */
import { HostFacts, readHostFacts } from "../lib/hostFacts";
import { urlImagePath } from "../lib/imageUrl";
import { Lab } from "../lib/labSchema";
import { connectionFault, runOnHost, Target } from "./link";

export async function hostFacts(host: Target, lab: Lab): Promise<HostFacts> {
  const shares = lab.guests.flatMap((g) =>
    g.share.path === undefined ? [] : ["share", g.share.path],
  );
  const images = lab.guests.flatMap(({ image }) =>
    image.source === "url" ? ["image", urlImagePath(image, lab.host.cacheDir), image.url] : [],
  );
  const args = [lab.host.dataDir, lab.host.cacheDir, ...shares, ...images];
  const result = await runOnHost(host, "facts.sh", args, { timeoutMs: 60_000 });
  if (result.code === 0) return readHostFacts(result.stdout.toString());
  const where = host === undefined ? "this machine" : `host.ssh (${lab.host.ssh?.host ?? ""})`;
  if (connectionFault(result) === "refused-key") {
    // OpenSSH's own advice names our files; the key is pinned in the configuration.
    throw new Error(
      `${where}: found another SSH host key than the pinned one, need host.ssh.hostKey; ` +
        `nothing was run; if it was replaced on purpose, set host.ssh.hostKey to the new one`,
    );
  }
  const reason = result.stderr.trim() || "no answer";
  throw new Error(`${where} cannot be asked: ${reason}; check that it is up and host.ssh is right`);
}
