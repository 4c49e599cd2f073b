/** A look at a guest as flat facts: item, field, value. Pure. */
import type { Seen } from "../../core/contract";
import { FileFacts, GuestObservation } from "./observation";

/** When the guest was asked and had answered, by the clock of the machine that asked; seconds. */
export interface Asked {
  readonly from: number;
  readonly to: number;
}

/** Clocks that differ less than this are right: seconds. */
const SKEW_S = 30;

/** 12 digits tell two contents apart, and can be read. */
const short = (sha256: string | undefined): string | undefined => sha256?.slice(0, 12);

export class GuestSeen implements Seen {
  private readonly facts = new Map<string, Map<string, { value: string; known: boolean }>>();
  /** The guest is still coming up: what its boot starts may not be there yet. */
  readonly starting: boolean;

  constructor(
    readonly observation: GuestObservation,
    asked: Asked,
  ) {
    this.starting = observation.system?.starting ?? false;
    for (const [part, tell] of Object.entries(PARTS)) {
      const told = observation[part as keyof typeof PARTS];
      if (told === null) continue;
      (tell as (told: unknown, add: Add) => void)(told, (item, field, value) =>
        this.add(item, field, value),
      );
    }
    this.add("clock", "set", clock(observation.time, asked));
  }

  private add(item: string, field: string, value: string): void {
    const fields = this.facts.get(item) ?? new Map<string, { value: string; known: boolean }>();
    this.facts.set(item, fields.set(field, { value, known: true }));
  }

  fact(item: string, field: string): { value: string; known: boolean } | undefined {
    const found = this.facts.get(item)?.get(field);
    if (found !== undefined) return found;
    const part = PART_OF.find(([prefix]) => item.startsWith(prefix))?.[1];
    const fault = this.observation.errors.find((e) => e.fact === part);
    if (fault !== undefined) return { value: fault.message, known: false };
    // What is not told of a part that was told is not there.
    return { value: field === "state" ? "missing" : "absent", known: true };
  }

  /** Facts in order; of what is there. */
  all(): (readonly [item: string, field: string, value: string])[] {
    return [...this.facts].flatMap(([item, fields]) =>
      [...fields].map(([field, { value }]) => [item, field, value] as const),
    );
  }

  /** Items of a kind: `file /etc/fstab` is of kind `file`. */
  items(kind: string): string[] {
    return [...this.facts.keys()].filter((item) => item.startsWith(`${kind} `));
  }
}

function clock(time: number, { from, to }: Asked): string {
  const off = time < from ? time - from : time > to ? time - to : 0;
  if (Math.abs(off) < SKEW_S) return "right";
  return `${Math.round(Math.abs(off))} s ${off < 0 ? "behind" : "ahead"}`;
}

/** What partitions and ext4's groups leave at the end of a disk; diskGiB rises by 1024 at least. */
const ROOT_SLACK_MIB = 256;

type Add = (item: string, field: string, value: string) => void;

function file(kind: string) {
  return (told: readonly FileFacts[], add: Add): void => {
    for (const { path, kind: type, mode, owner, sha256 } of told) {
      add(`${kind} ${path}`, "content", short(sha256) ?? type);
      add(`${kind} ${path}`, "mode", mode);
      add(`${kind} ${path}`, "owner", owner === "0:0" ? "root" : owner);
    }
  };
}

type Parts = Omit<GuestObservation, "version" | "time" | "errors" | "bootId">;
type Teller<T> = (told: T, add: Add) => void;

/** How each part of a look is told. */
const PARTS: { readonly [K in keyof Parts]: Teller<NonNullable<Parts[K]>> } = {
  kernel(told, add) {
    add("kernel", "running", told.running);
    // The one boot in which a kernel is tried has two words more.
    const line = told.commandLine.replace(/ mirlab\.trial panic=10$/, "");
    add("kernel", "command line", line.replace(/^BOOT_IMAGE=\S+ /, ""));
    add("boot loader", "default kernel", told.kernel ?? "unknown");
    add("boot loader", "default entry", told.entry);
    add("boot loader", "saved entry", told.saved ?? "none");
    add("boot loader", "next boot's entry", told.once ?? "none");
  },
  files(told, add) {
    file("file")(told, add);
    for (const { path, text } of told)
      if (text !== undefined) add(`own file ${path}`, "text", text);
  },
  session: file("session file"),
  share: file("share unit"),
  units(told, add) {
    for (const [name, { enabled, masked, active, dropIns }] of Object.entries(told)) {
      add(`unit ${name}`, "at boot", masked ? "masked" : enabled ? "enabled" : "disabled");
      if (active !== null) add(`unit ${name}`, "state", active ? "active" : "inactive");
      add(`unit ${name}`, "drop-ins", dropIns.join(" ") || "none");
    }
  },
  packages(told, add) {
    for (const [name, version] of Object.entries(told.versions)) {
      add(`package ${name}`, "state", "installed");
      if (told.holds.includes(name)) add(`package ${name}`, "held version", version);
    }
    add("packages", "holds", told.holds.join(" ") || "none");
    for (const { path, state } of told.changed ?? [])
      add(`packaged file ${path}`, "content", state);
    if (told.initrdSha256 !== null) add("initrd", "content", short(told.initrdSha256) ?? "");
  },
  account(told, add) {
    const item = `account ${told.name}`;
    add(item, "groups", [...told.groups].sort().join(" ") || "none");
    add(item, "shell", told.shell);
    add(item, "password", told.password);
    const { keys, mode, owner } = told.authorized;
    const words = keys.map((k) => (k.options === "" ? "" : `${k.options} `) + k.fingerprint);
    add(item, "authorized keys", [...words].sort().join(" ") || "none");
    add(item, "authorized_keys file", `${mode} ${owner === told.id ? told.name : owner}`);
  },
  hostKeys(told, add) {
    for (const [path, fingerprint] of Object.entries(told))
      add(`ssh host key ${path}`, "fingerprint", fingerprint);
  },
  mounts(told, add) {
    // Of mounts on one another the last one counts.
    for (const { dir, type, source, options } of told) {
      if (dir === "/") {
        add("root filesystem", "access", /(^|,)ro(,|$)/.test(options) ? "read-only" : "writable");
      } else {
        add(`mount ${dir}`, "state", `${source} ${type}`);
        add(`mount ${dir}`, "options", options);
      }
    }
  },
  rootDisk(told, add) {
    if (told.unused === null) return;
    const mib = Math.floor(told.unused / 1024 ** 2);
    add("root disk", "unused", mib < ROOT_SLACK_MIB ? "none" : `${mib} MiB`);
  },
  cloudInit: (told, add) => add("cloud-init", "result", told),
  hostname(told, add) {
    add("host name", "in use", told.running);
    add("host name", "in /etc/hostname", told.file);
  },
  timezone: (told, add) => add("clock", "timezone", told.replace(/^.*\/zoneinfo\//, "")),
  system(told, add) {
    const others = told.failed.filter((name) => !name.startsWith("mir-session"));
    add("systemd", "failed units", others.join(" ") || "none");
    add("systemd", "default target", told.target.replace(/^.*\//, ""));
  },
};

/** Part of the look that an item is of: where the guest could not tell it, the item is not known. */
const PART_OF: readonly (readonly [prefix: string, part: string])[] = [
  ["kernel", "kernel"],
  ["boot loader", "kernel"],
  ["file ", "files"],
  ["session file ", "session"],
  ["share unit ", "share"],
  ["unit ", "units"],
  ["package", "packages"],
  ["initrd", "packages"],
  ["account ", "account"],
  ["ssh host key ", "hostKeys"],
  ["mount ", "mounts"],
  ["root filesystem", "mounts"],
  ["root disk", "rootDisk"],
  ["cloud-init", "cloudInit"],
  ["host name", "hostname"],
  ["clock", "timezone"],
  ["systemd", "system"],
];
