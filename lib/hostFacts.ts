/** Reads what scripts/host/facts.sh printed. Pure. */

export interface ShareFact {
  readonly path: string;
  readonly kind: "folder" | "missing" | "other";
  /** What the path resolves to, symlinks followed. */
  readonly resolved: string;
  /** Whether QEMU's user can write there. */
  readonly writable: "yes" | "no" | "unknown";
}

export interface HostFacts {
  /** `ID ID_LIKE VERSION_ID` of os-release. */
  readonly os: string;
  /** `uname -m` */
  readonly arch: string;
  /** How root's rights are had. */
  readonly rights: "root" | "sudo" | "none";
  readonly user: string;
  readonly memoryAvailableMiB: number;
  readonly dataFreeMiB: number;
  readonly cacheFreeMiB: number;
  readonly libvirt: "ok" | "absent" | "denied" | "down";
  readonly kvmDevice: boolean;
  /** Names of the running domains. */
  readonly running: readonly string[];
  readonly shares: readonly ShareFact[];
  /** Images by URL: `ok`, or why the URL does not answer. */
  readonly images: readonly { readonly url: string; readonly state: string }[];
}

/** Reads the facts. Throws when a line is missing: half an answer is none. */
export function readHostFacts(answer: string): HostFacts {
  const lines = answer
    .split("\n")
    .map((line) => line.split("\t"))
    .filter((parts) => parts.length === 2);
  const all = (key: string): string[] => lines.filter(([k]) => k === key).map(([, v]) => v ?? "");
  const one = (key: string): string => {
    const value = all(key)[0];
    if (value === undefined) throw new Error(`host facts: no '${key}' in the answer`);
    return value;
  };
  if (one("version") !== "1") throw new Error("host facts: unknown version");
  return {
    os: one("os"),
    arch: one("arch"),
    rights: one("rights") as HostFacts["rights"],
    user: one("user"),
    memoryAvailableMiB: Number(one("memoryAvailableMiB")),
    dataFreeMiB: Number(one("dataFreeMiB")),
    cacheFreeMiB: Number(one("cacheFreeMiB")),
    libvirt: one("libvirt") as HostFacts["libvirt"],
    kvmDevice: one("kvmDevice") === "yes",
    running: all("running"),
    shares: all("share").map((line) => {
      const [path = "", kind = "missing", resolved = "", writable = "unknown"] = line.split(" ");
      return { path, kind, resolved, writable } as ShareFact;
    }),
    images: all("image").map((line) => {
      const [url = "", ...state] = line.split(" ");
      return { url, state: state.join(" ") };
    }),
  };
}
