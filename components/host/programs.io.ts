/** Programs that the machine which runs Pulumi needs where the lab host is another one. */
import { run } from "../../core/exec.io";
import { Lab } from "../../config/schema";
import { Finding } from "./checks/finding";
import { CLIENT_PROGRAMS } from "./packages";

/**
 * Whether each is in PATH; no finding where the lab's host is this machine, whose packages are another check's.
 * `installs`: `up` installs xsltproc before the engine needs it, or the engine creates nothing.
 */
export async function lookForPrograms(lab: Lab, installs: boolean): Promise<Finding[]> {
  if (lab.host.ssh === undefined) return [];
  const base = {
    id: "client-programs",
    group: "machine",
    path: "host.ssh",
    required: CLIENT_PROGRAMS.map(({ program }) => program).join(" and "),
  } as const;
  const looks = await Promise.all(
    CLIENT_PROGRAMS.map(({ program }) => run(["sh", "-c", 'command -v -- "$0"', program])),
  );
  const missing = CLIENT_PROGRAMS.filter((_, i) => looks[i]?.code !== 0);
  if (missing.length === 0) return [{ ...base, severity: "ok", found: base.required, fix: "" }];
  // Without ssh the host cannot be asked anything.
  const repaired = installs && missing.every(({ program }) => program !== "ssh");
  const packages = missing.map(({ name }) => name).join(" ");
  return [
    {
      ...{ ...base, severity: repaired ? "info" : "fail" },
      found: `no ${missing.map(({ program }) => program).join(" and no ")} on the machine that runs Pulumi`,
      fix: repaired ? "'up' installs it" : `sudo apt-get install ${packages}`,
      ...(repaired && { upRepairs: true }),
    },
  ];
}
