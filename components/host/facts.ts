/** Reads what scripts/host/facts.sh printed. Pure. */

export interface ShareFact {
  readonly path: string;
  readonly kind: "folder" | "missing" | "other";
  /** The path with symlinks resolved. */
  readonly resolved: string;
  /** Whether QEMU's user can write there. */
  readonly writable: "yes" | "no" | "unknown";
  /** The first folder on the way that QEMU's user cannot pass; `-`: it passes all; or `unknown`. */
  readonly closed: string;
}

export interface PortFact {
  readonly port: number;
  /** `STACK.GUEST` that reserved it. */
  readonly owner: string | undefined;
  /** The process that listens on it. */
  readonly holder: string | undefined;
}

export interface PackageFact {
  readonly name: string;
  /** Undefined: not installed. */
  readonly version: string | undefined;
  /** The requested CVEs that its changelog names; undefined: no changelog on this host. */
  readonly named: readonly string[] | undefined;
}

/** An IPv4 route of the host. */
export interface RouteFact {
  /** e.g. `192.168.130.0/24` */
  readonly cidr: string;
  readonly device: string;
}

/** The host's own address on one of libvirt's networks. */
export interface NetworkFact {
  readonly name: string;
  /** Undefined: none yet. */
  readonly bridge: string | undefined;
  readonly address: string;
}

/** A base chain of nftables that drops what none of its rules accepts. */
export interface DropFact {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly hook: "input" | "forward";
}

/** Facts that only the doctor collects. */
export interface FullHostFacts {
  readonly packages: readonly PackageFact[];
  /** Loaded modules of KVM, `kvm` itself among them. */
  readonly kvmModules: readonly string[];
  /** How far opening /dev/kvm gets; even `makes-vm` does not prove that a guest runs. */
  readonly kvmDevice: "absent" | "denied" | "opens" | "makes-vm";
  /** Of `vmx`, `svm`, `hypervisor`. */
  readonly cpuFlags: readonly string[];
  /** `kvm_intel Y` */
  readonly nested: string;
  /** The product name in the firmware; may be empty. */
  readonly product: string;
  readonly udev: boolean;
  readonly systemd: boolean;
  /** The kernel confines programs by AppArmor. */
  readonly apparmor: boolean;
  /** libvirt's security models: `apparmor`, `dac`, `none`. */
  readonly secmodels: readonly string[];
  /** libvirt's socket: its mode, and how the daemon authenticates clients. */
  readonly socket: { readonly mode: string; readonly auth: string } | undefined;
  /** QEMU devices that libvirt's capabilities do not show; undefined: QEMU is not installed. */
  readonly devices: readonly string[] | undefined;
  readonly virtiofsd: string;
}

export interface HostFacts {
  /** `ID ID_LIKE VERSION_ID` of os-release. */
  readonly os: string;
  /** `bookworm`; empty if the distribution has no codename. */
  readonly suite: string;
  /** `uname -m` */
  readonly arch: string;
  /** How scripts get root's rights. */
  readonly rights: "root" | "sudo" | "none";
  readonly user: string;
  readonly memoryAvailableMiB: number;
  readonly dataFreeMiB: number;
  readonly cacheFreeMiB: number;
  /** As a share's `closed`. */
  readonly dataClosed: string;
  readonly cacheClosed: string;
  /** `silent`: it accepted the connection and gave no answer in 60 s. */
  readonly libvirt: "ok" | "absent" | "denied" | "down" | "silent";
  /** Empty while libvirt does not answer. */
  readonly libvirtVersion: string;
  readonly qemuVersion: string;
  /** Domain capabilities of a q35 machine as XML, by domain type. */
  readonly emulators: { readonly qemu?: string; readonly kvm?: string };
  /** Names of the running domains. */
  readonly running: readonly string[];
  /** Names of all domains. */
  readonly defined: readonly string[];
  readonly shares: readonly ShareFact[];
  readonly ports: readonly PortFact[];
  /** Collected only for a guest on the lab's network; else empty. */
  readonly routes: readonly RouteFact[];
  readonly networks: readonly NetworkFact[];
  /** Only chains without a rule for libvirt's bridges. Collected by the doctor, with root's rights; else empty. */
  readonly drops: readonly DropFact[];
  /** Images by URL: `ok`, or why the URL does not answer. */
  readonly images: readonly { readonly url: string; readonly state: string }[];
  readonly full: FullHostFacts | undefined;
}

/** Values by key. `one` throws when the key is missing: an incomplete answer is refused. */
interface Lines {
  readonly all: (key: string) => string[];
  readonly one: (key: string) => string;
}

function linesOf(answer: string): Lines {
  const lines = answer
    .split("\n")
    .map((line) => line.split("\t"))
    .filter((parts) => parts.length === 2);
  const all = (key: string): string[] => lines.filter(([k]) => k === key).map(([, v]) => v ?? "");
  const one = (key: string): string => {
    const value = all(key)[0];
    if (value === undefined) {
      throw new Error(`host facts: found no line '${key}'; need a complete answer of facts.sh`);
    }
    return value;
  };
  return { all, one };
}

const words = (line: string): string[] => line.split(/[ ,]/).filter((word) => word !== "");
const unlessDash = (word: string): string | undefined => (word === "-" ? undefined : word);

function packagesOf({ all }: Lines): PackageFact[] {
  const named = new Map(
    all("changelog").map((line) => {
      const [name = "", found = "absent"] = line.split(" ");
      return [name, found === "absent" ? undefined : words(found).filter((w) => w !== "-")];
    }),
  );
  return all("package").map((line) => {
    const [name = "", version = "-"] = line.split(" ");
    return { name, version: unlessDash(version), named: named.get(name) };
  });
}

function fullOf(lines: Lines): FullHostFacts {
  const { all, one } = lines;
  const [socket] = all("socket").map((line) => line.split(" "));
  const [devices] = all("devices");
  return {
    packages: packagesOf(lines),
    kvmModules: words(one("kvmModules")),
    kvmDevice: one("kvmDevice") as FullHostFacts["kvmDevice"],
    cpuFlags: words(one("cpuFlags")),
    nested: all("nested").join(", "),
    product: one("product"),
    udev: one("udev") === "yes",
    systemd: one("systemd") === "yes",
    apparmor: one("apparmor") === "yes",
    secmodels: all("secmodel"),
    socket: socket && { mode: socket[0] ?? "", auth: socket[1] ?? "" },
    devices: devices === undefined ? undefined : words(devices),
    virtiofsd: one("virtiofsd"),
  };
}

function emulatorsOf({ all }: Lines): HostFacts["emulators"] {
  return Object.fromEntries(
    all("emulator").map((line) => {
      const [type = "", xml = ""] = line.split(" ");
      return [type, Buffer.from(xml, "base64").toString("utf8")];
    }),
  );
}

/** Reads the facts. Throws when a line is missing. */
export function readHostFacts(answer: string): HostFacts {
  const lines = linesOf(answer);
  const { all, one } = lines;
  const version = one("version");
  if (version !== "2") throw new Error(`host facts: found version '${version}'; need 2`);
  return {
    os: one("os"),
    suite: one("suite"),
    arch: one("arch"),
    rights: one("rights") as HostFacts["rights"],
    user: one("user"),
    memoryAvailableMiB: Number(one("memoryAvailableMiB")),
    dataFreeMiB: Number(one("dataFreeMiB")),
    cacheFreeMiB: Number(one("cacheFreeMiB")),
    dataClosed: one("dataClosed"),
    cacheClosed: one("cacheClosed"),
    libvirt: one("libvirt") as HostFacts["libvirt"],
    libvirtVersion: all("libvirtVersion")[0] ?? "",
    qemuVersion: all("qemuVersion")[0] ?? "",
    emulators: emulatorsOf(lines),
    running: all("running"),
    defined: all("defined"),
    shares: all("share").map((line) => {
      const [path = "", kind = "missing", writable = "unknown", closed = "unknown", ...resolved] =
        line.split("|");
      return { path, kind, resolved: resolved.join("|"), writable, closed } as ShareFact;
    }),
    ports: all("port").map((line) => {
      const [port = "", owner = "-", ...holder] = line.split(" ");
      return {
        port: Number(port),
        owner: unlessDash(owner),
        holder: unlessDash(holder.join(" ") || "-"),
      };
    }),
    routes: all("route").map((line) => {
      const [cidr = "", device = ""] = line.split(" ");
      return { cidr, device };
    }),
    networks: all("network").map((line) => {
      const [address = "", bridge = "-", ...name] = line.split(" ").reverse();
      return { name: name.reverse().join(" "), bridge: unlessDash(bridge), address };
    }),
    drops: all("drop").map((line) => {
      const [family = "", table = "", chain = "", hook = ""] = line.split(" ");
      return { family, table, chain, hook: hook as DropFact["hook"] };
    }),
    images: all("image").map((line) => {
      const [url = "", ...state] = line.split(" ");
      return { url, state: state.join(" ") };
    }),
    full: all("kvmModules").length === 0 ? undefined : fullOf(lines),
  };
}
