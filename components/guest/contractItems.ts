/** The items of a guest's contract: each entry has the required value and its repair. Pure. */
import { Heal, key, Recorded, Wanted } from "../../core/contract";
import type { GuestContract, GuestStep, OwnGuest, Written, WrittenFile } from "./contract";
import type { GuestSeen } from "./seen";
import { keyFingerprint } from "../access/sshKey";

interface Given {
  readonly contract: GuestContract;
  readonly written: Written;
  readonly recorded: Recorded;
  readonly seen: GuestSeen;
}
type Item = Wanted<GuestStep>;
type Section = (given: Given) => readonly Item[];

const run = (words: string, step: GuestStep, cost?: string): Heal<GuestStep> => ({
  ...{ how: "run", words: `up ${words}`, step },
  ...(cost === undefined ? {} : { cost }),
});
const heal = (...args: string[]): GuestStep => ({ script: "heal.sh", args });
const accept: Heal<GuestStep> = { how: "accept", words: "up does not repair this, but records it" };

/** A section that applies only to guests that the lab created. */
const ofOwn =
  (section: (own: OwnGuest, given: Given) => readonly Item[]): Section =>
  (given) =>
    given.contract.own === undefined ? [] : section(given.contract.own, given);

/** Whether `up` records a value of a look; it records none that has a `Wanted` of its own. */
type Rule = (item: string, field: string) => boolean;

const fields =
  (item: string, ...names: string[]): Rule =>
  (i, f) =>
    i === item && names.includes(f);

/** Values that the guest's owner may change: reported once, then recorded by the next `up`. */
const OWNERS: readonly Rule[] = [
  fields("kernel", "command line"),
  fields("boot loader", "default kernel", "default entry"),
  fields("packages", "holds"),
  fields("initrd", "content"),
  fields("clock", "timezone"),
  fields("systemd", "failed units", "default target"),
  fields("cloud-init", "result"),
  (item) => item.startsWith("file "),
  (item, field) => item.startsWith("package ") && field === "held version",
  (item) => item.startsWith("ssh host key "),
];

export const RECORDED: readonly Rule[] = [
  ...OWNERS,
  fields("kernel", "running"),
  fields("boot loader", "saved entry", "next boot's entry"),
  (item, field) => item.startsWith("own file ") && field === "text",
];

/** Files of the lab's image or first boot; `up` records their text and restores it. */
export const OWN_FILES: readonly string[] = [
  "/etc/ssh/sshd_config.d/10-mirlab.conf",
  "/etc/sudoers.d/90-cloud-init-users",
  "/etc/default/grub.d/mirlab.cfg",
];

/** Facts that may be missing from a look: not every look reads them. */
const OPTIONAL = new Set([key("initrd", "content")]);

/** The file that GuestKernel writes and observes. */
const KERNEL_PIN = "file /etc/default/grub.d/zz-mirlab-kernel.cfg";

/** Values that change with the kernel: no difference where the lab itself changed the kernel. */
const OF_THE_KERNEL: readonly Rule[] = [
  fields("kernel", "command line"),
  fields("boot loader", "default kernel", "default entry", "saved entry"),
  fields("initrd", "content"),
];

/** Whether GuestKernel wrote a value, or the kernel that GuestKernel chose changed it. */
function ofGuestKernel({ contract: { kernel }, recorded, seen }: Given): Rule {
  if (kernel === undefined || kernel === null) return () => false;
  const running = seen.fact("kernel", "running")?.value;
  const changed = running === kernel.release && running !== recorded[key("kernel", "running")];
  return (item, field) =>
    item === KERNEL_PIN ||
    (kernel.pinned && item === "boot loader" && field === "saved entry") ||
    (changed && OF_THE_KERNEL.some((rule) => rule(item, field)));
}

const owners: Section = ofOwn((_own, given) => {
  const { recorded, seen } = given;
  if (Object.keys(recorded).length === 0) return [];
  const decided = ofGuestKernel(given);
  const known = Object.keys(recorded).map((name) => name.split(": ") as [string, string]);
  const all = [...known, ...seen.all().map(([item, field]) => [item, field] as const)];
  const names = new Map(all.map(([item, field]) => [key(item, field), [item, field] as const]));
  return [...names].flatMap(([name, [item, field]]): Item[] => {
    if (!OWNERS.some((rule) => rule(item, field)) || decided(item, field)) return [];
    const right = recorded[name] ?? "absent";
    const now = seen.fact(item, field);
    if (OPTIONAL.has(name) && (now?.value === "absent" || recorded[name] === undefined)) return [];
    // For a missing or new file one line is enough: do not report its mode and owner too.
    if (item.startsWith("file ") && field !== "content") {
      const content = seen.fact(item, "content")?.value;
      if (content === "absent" || recorded[key(item, "content")] === undefined) return [];
    }
    // A new or removed hold is reported as `holds`; without a hold the version may change.
    if (field === "held version" && (now?.value === "absent" || recorded[name] === undefined)) {
      return [];
    }
    // A unit that fails during the boot may still be restarted.
    if (seen.starting && (item === "systemd" || item === "cloud-init")) return [];
    const heal = back(item, recorded) ?? accept;
    // A unit that no longer fails is not a difference.
    const ok = field === "failed units" ? (found: string) => isWithin(found, right) : undefined;
    return [{ item, field, right, recorded: true, heal, ...(ok === undefined ? {} : { ok }) }];
  });
});

const isWithin = (found: string, right: string): boolean =>
  found === "none" || found.split(" ").every((name) => right.split(" ").includes(name));

/** Restores one of the lab's own files as recorded. */
function back(item: string, recorded: Recorded): Heal<GuestStep> | undefined {
  const path = item.slice("file ".length);
  const text = recorded[key(`own file ${path}`, "text")];
  if (!item.startsWith("file ") || text === undefined || !OWN_FILES.includes(path))
    return undefined;
  const mode = recorded[key(item, "mode")] ?? "644";
  return run("restores the file", { ...heal("file", path, mode), input: text });
}

/** The running kernel: the boot loader's default, or as recorded if the owner chose another default. */
const kernel: Section = ofOwn((_own, given) => {
  const { recorded, seen } = given;
  const right = seen.fact("boot loader", "default kernel")?.value ?? "unknown";
  const before = recorded[key("kernel", "running")];
  const saved = recorded[key("boot loader", "saved entry")];
  return [
    {
      ...{ item: "kernel", field: "running", right: `the boot loader's ${right}` },
      ok: (found) => right === "unknown" || found === right || found === before,
      heal: { how: "accept", words: "a reboot starts the default kernel; up only records this" },
    },
    ...(saved === undefined || ofGuestKernel(given)("boot loader", "saved entry")
      ? []
      : [
          {
            ...{ item: "boot loader", field: "saved entry", right: saved, recorded: true },
            heal: run("sets it", heal("grub-entry", saved)),
          },
        ]),
    {
      ...{ item: "boot loader", field: "next boot's entry", right: "none" },
      ok: (found) =>
        found === "none" || found === recorded[key("boot loader", "next boot's entry")],
      heal: accept,
    },
  ];
});

const packages: Section = ofOwn((own, { seen }) => [
  ...own.packages.map((name) => ({
    ...{ item: `package ${name}`, field: "state", right: "installed" },
    heal: run("installs it", heal("install", ...own.packages), "a download in the guest"),
  })),
  ...seen.items("packaged file").map((item) => ({
    ...{ item, field: "content", right: "as packaged" },
    heal: run(
      "reinstalls its package",
      heal(
        "reinstall",
        ...seen.items("packaged file").map((i) => i.slice("packaged file ".length)),
      ),
      "a download in the guest",
    ),
  })),
]);

const account: Section = ofOwn((own) => {
  const item = `account ${own.user}`;
  const groups = [...own.groups].sort();
  const fix = run("sets it", heal("account", own.user, "/bin/bash", groups.join(",")));
  const keys = run("rewrites the file", {
    ...heal("keys", own.user),
    input: `${own.clientPublicKey}\n`,
  });
  const fingerprint = keyFingerprint(own.clientPublicKey);
  return [
    { item, field: "groups", right: groups.join(" "), heal: fix },
    { item, field: "shell", right: "/bin/bash", heal: fix },
    { item, field: "password", right: "locked", heal: fix },
    { item, field: "authorized keys", right: fingerprint, heal: keys },
    { item, field: "authorized_keys file", right: `600 ${own.user}`, heal: keys },
  ];
});

const system: Section = ofOwn(({ hostname }) => {
  const name = run("sets it", heal("hostname", hostname));
  return [
    { item: "host name", field: "in use", right: hostname, heal: name },
    { item: "host name", field: "in /etc/hostname", right: hostname, heal: name },
    { item: "clock", field: "set", right: "right", heal: run("sets it", heal("clock")) },
    {
      ...{ item: "root filesystem", field: "access", right: "writable" },
      heal: run(
        "remounts it writable (if that fails, see dmesg in the guest: its disk or file system has errors)",
        heal("root-writable"),
      ),
    },
    {
      ...{ item: "root disk", field: "unused", right: "none" },
      ok: (found) => found === "none" || found === "absent",
      heal: run("enlarges partition and file system, and keeps their content", heal("grow-root")),
    },
    {
      ...{ item: "unit getty@tty1.service", field: "at boot", right: "disabled" },
      ok: (found) => found !== "enabled",
      heal: run("disables it: the session uses this screen", heal("no-getty")),
    },
  ];
});

/** The files that one of the lab's scripts wrote; no other file may be beside them. */
function writtenFiles(
  kind: string,
  files: readonly WrittenFile[],
  seen: GuestSeen,
  fix: Heal<GuestStep>,
): Item[] {
  const known = new Set(files.map(({ path }) => `${kind} ${path}`));
  return [
    ...files.flatMap(({ path, mode, sha256 }): Item[] => {
      const item = `${kind} ${path}`;
      const wanted = sha256.map((sum) => sum.slice(0, 12));
      const there = seen.fact(item, "content")?.value !== "absent";
      return [
        {
          ...{ item, field: "content", right: wanted.join(" or "), heal: fix },
          ok: (found) => wanted.includes(found),
        },
        ...(there
          ? [
              { item, field: "mode", right: mode, heal: fix },
              { item, field: "owner", right: "root", heal: fix },
            ]
          : []),
      ];
    }),
    ...seen
      .items(kind)
      .filter((item) => !known.has(item))
      .map((item) => ({ item, field: "content", right: "absent", heal: fix })),
  ];
}

const CLIENT_FILE = "/etc/mir-session/client";

const session: Section = ({ contract, written, seen }) => {
  const files = written.session;
  const keep = files.map(({ path }) => path);
  const step: GuestStep = {
    ...heal("session", ...keep),
    then: { script: "session.sh", args: ["install", ...contract.session] },
  };
  const fix = run("reinstalls the session", step, "the session restarts");
  // During a boot the session may not have started yet. Lomiri runs in the scope of a login, not of
  // the unit: MirReadiness asks systemd about it.
  const started = !seen.starting && !contract.session.includes("--lomiri");
  return [
    ...writtenFiles("session file", files, seen, fix),
    ...["mir-session.service", "mir-session-client.service"].flatMap((name): Item[] => {
      const item = `unit ${name}`;
      if (!keep.some((path) => path.endsWith(`/${name}`))) return [];
      const active = started && (name === "mir-session.service" || keep.includes(CLIENT_FILE));
      return [
        { item, field: "at boot", right: "enabled", heal: fix },
        ...(active ? [{ item, field: "state", right: "active", heal: fix }] : []),
      ];
    }),
  ];
};

/** Mount options that the share needs. */
const SHARE_OPTIONS = ["trans=virtio", "access=client", "nodev", "nosuid"];

const share: Section = ({ contract, written, seen }) => {
  if (contract.share === undefined) return [];
  const { tag, mount } = contract.share;
  const path = written.share[0]?.path ?? "";
  const name = path.split("/").at(-1) ?? "";
  const item = `mount ${mount}`;
  const step: GuestStep = {
    ...heal("share", name),
    then: { script: "share.sh", args: ["mount", tag, mount] },
  };
  const fix = run("remounts the share", step);
  const mounted = seen.fact(item, "state")?.value === `${tag} 9p`;
  return [
    ...writtenFiles("share unit", written.share, seen, fix),
    { item: `unit ${name}`, field: "at boot", right: "enabled", heal: fix },
    { item: `unit ${name}`, field: "drop-ins", right: "none", heal: fix },
    ...(seen.starting ? [] : [{ item, field: "state", right: `${tag} 9p`, heal: fix }]),
    ...(mounted
      ? [
          {
            ...{ item, field: "options", right: SHARE_OPTIONS.join(","), heal: fix },
            ok: (found: string) => SHARE_OPTIONS.every((o) => found.split(",").includes(o)),
          },
        ]
      : []),
  ];
};

/** In the order of repair. */
export const SECTIONS: readonly Section[] = [
  ...[system, account, packages, kernel, owners, share, session],
];
