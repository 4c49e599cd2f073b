/** A look at a guest as flat facts: item, field, value. Pure. */
import type { Seen } from "../../core/contract";
import { FileFacts, GuestObservation } from "./observation";

/** Times of question and answer by the clock of the asking machine, seconds. */
export interface Asked {
  readonly from: number;
  readonly to: number;
}

/** Tolerated clock difference, seconds. */
const SKEW_S = 30;

/** 12 digits distinguish contents, and are readable. */
const short = (sha256: string | undefined): string | undefined => sha256?.slice(0, 12);

export class GuestSeen implements Seen {
  private readonly facts = new Map<string, Map<string, { value: string; known: boolean }>>();
  /** The guest is still booting: units may not have started yet. */
  readonly starting: boolean;

  constructor(
    readonly observation: GuestObservation,
    asked: Asked,
  ) {
    this.starting = observation.system?.starting ?? false;
    for (const [part, flatten] of Object.entries(PARTS)) {
      const content = observation[part as keyof typeof PARTS];
      if (content === null) continue;
      (flatten as (content: unknown, add: Add) => void)(content, (item, field, value) =>
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
    // A value that is missing from a reported part counts as absent.
    return { value: field === "state" ? "missing" : "absent", known: true };
  }

  /** All reported facts, in order. */
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

/** Partitions and ext4 groups leave less than this unused; diskGiB grows by at least 1024 MiB. */
const ROOT_SLACK_MIB = 256;

type Add = (item: string, field: string, value: string) => void;

function file(kind: string) {
  return (files: readonly FileFacts[], add: Add): void => {
    for (const { path, kind: type, mode, owner, sha256 } of files) {
      add(`${kind} ${path}`, "content", short(sha256) ?? type);
      add(`${kind} ${path}`, "mode", mode);
      add(`${kind} ${path}`, "owner", owner === "0:0" ? "root" : owner);
    }
  };
}

type Parts = Omit<GuestObservation, "version" | "time" | "errors" | "bootId">;
type Flatten<T> = (content: T, add: Add) => void;

/** How each part of a look becomes flat facts. */
const PARTS: { readonly [K in keyof Parts]: Flatten<NonNullable<Parts[K]>> } = {
  kernel(part, add) {
    add("kernel", "running", part.running);
    // GuestKernel adds these two words for a kernel's trial boot.
    const line = part.commandLine.replace(/ mirlab\.trial panic=10$/, "");
    add("kernel", "command line", line.replace(/^BOOT_IMAGE=\S+ /, ""));
    add("boot loader", "default kernel", part.kernel ?? "unknown");
    add("boot loader", "default entry", part.entry);
    add("boot loader", "saved entry", part.saved ?? "none");
    add("boot loader", "next boot's entry", part.once ?? "none");
  },
  files(part, add) {
    file("file")(part, add);
    for (const { path, text } of part)
      if (text !== undefined) add(`own file ${path}`, "text", text);
  },
  session: file("session file"),
  share: file("share unit"),
  units(part, add) {
    for (const [name, { enabled, masked, active, dropIns }] of Object.entries(part)) {
      add(`unit ${name}`, "at boot", masked ? "masked" : enabled ? "enabled" : "disabled");
      if (active !== null) add(`unit ${name}`, "state", active ? "active" : "inactive");
      add(`unit ${name}`, "drop-ins", dropIns.join(" ") || "none");
    }
  },
  packages(part, add) {
    for (const [name, version] of Object.entries(part.versions)) {
      add(`package ${name}`, "state", "installed");
      if (part.holds.includes(name)) add(`package ${name}`, "held version", version);
    }
    add("packages", "holds", part.holds.join(" ") || "none");
    for (const { path, state } of part.changed ?? [])
      add(`packaged file ${path}`, "content", state);
    if (part.initrdSha256 !== null) add("initrd", "content", short(part.initrdSha256) ?? "");
  },
  account(part, add) {
    const item = `account ${part.name}`;
    add(item, "groups", [...part.groups].sort().join(" ") || "none");
    add(item, "shell", part.shell);
    add(item, "password", part.password);
    const { keys, mode, owner } = part.authorized;
    const words = keys.map((k) => (k.options === "" ? "" : `${k.options} `) + k.fingerprint);
    add(item, "authorized keys", [...words].sort().join(" ") || "none");
    add(item, "authorized_keys file", `${mode} ${owner === part.id ? part.name : owner}`);
  },
  hostKeys(part, add) {
    for (const [path, fingerprint] of Object.entries(part))
      add(`ssh host key ${path}`, "fingerprint", fingerprint);
  },
  mounts(part, add) {
    // Of stacked mounts the last one counts.
    for (const { dir, type, source, options } of part) {
      if (dir === "/") {
        add("root filesystem", "access", /(^|,)ro(,|$)/.test(options) ? "read-only" : "writable");
      } else {
        add(`mount ${dir}`, "state", `${source} ${type}`);
        add(`mount ${dir}`, "options", options);
      }
    }
  },
  rootDisk(part, add) {
    if (part.unused === null) return;
    const mib = Math.floor(part.unused / 1024 ** 2);
    add("root disk", "unused", mib < ROOT_SLACK_MIB ? "none" : `${mib} MiB`);
  },
  cloudInit: (part, add) => add("cloud-init", "result", part),
  hostname(part, add) {
    add("host name", "in use", part.running);
    add("host name", "in /etc/hostname", part.file);
  },
  timezone: (part, add) => add("clock", "timezone", part.replace(/^.*\/zoneinfo\//, "")),
  system(part, add) {
    const others = part.failed.filter((name) => !name.startsWith("mir-session"));
    add("systemd", "failed units", others.join(" ") || "none");
    add("systemd", "default target", part.target.replace(/^.*\//, ""));
  },
};

/** The part of a look that contains an item: if the part is missing, the item is unknown. */
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
