/** The items of the host's contract: each entry has the required value and its repair. Pure. */
import { shellWord } from "../../core/quote";
import { Heal as AnyHeal, key, Recorded } from "../../core/contract";
import { packageArgs } from "./packages";
import type { GuestOnHost, HostContract, HostStep, HostWanted, How } from "./contract";
import { HostObservation } from "./observation";

type Heal = AnyHeal<HostStep, How>;

/** A section of the contract: its required values, given what was observed. */
type Section = (
  contract: HostContract,
  recorded: Recorded,
  seen: HostObservation,
) => readonly HostWanted[];

const run = (words: string, script: string, args: readonly string[], cost?: string): Heal => ({
  how: "run",
  words: `up ${words}`,
  step: { script, args },
  ...(cost === undefined ? {} : { cost }),
});
const elsewhere = (words: string): Heal => ({ how: "elsewhere", words });
const accept: Heal = { how: "accept", words: "up does not repair this, but records it" };
const refuse = (words: string): Heal => ({ how: "refuse", words });

const ANSWERS = ["libvirt", "answers", "yes"] as const;
const domainThere = (guest: GuestOnHost, seen: HostObservation): boolean => {
  const state = seen.value(`domain ${guest.domain}`, "state");
  return state !== undefined && state !== "missing";
};
/** Whether the domain carries this guest's mark: its ports must then be the reserved ones. */
const isOurs = (contract: HostContract, guest: GuestOnHost, seen: HostObservation): boolean =>
  seen.value(`domain ${guest.domain}`, "owner") === `${contract.stack}.${guest.name}`;

/** Values that the host's owner may change: reported once, then recorded by the next `up`. */
export const RECORDED: readonly (readonly [item: string, ...fields: string[]])[] = [
  ["/dev/kvm", "owner"],
  ["kvm", "nested", "options"],
  ["apparmor", "libvirtd", "local"],
  ["settings libvirt", "edited"],
  ["polkit", "rules"],
  ["service libvirtd", "enabled", "drop-ins", "socket"],
  ["service virtlogd", "enabled", "drop-ins", "socket"],
  ["service virtlockd", "socket"],
  [
    "config qemu.conf",
    ...["dynamic_ownership", "user", "group", "security_driver"],
    ...["security_default_confined", "spice_listen", "spice_tls"],
  ],
  [
    "config libvirtd.conf",
    ...["unix_sock_group", "unix_sock_rw_perms", "auth_unix_rw", "listen_tcp"],
  ],
];

/** libvirt's defaults for unset keys, as Debian builds it: with polkit, whose rule lets the group libvirt in. */
const DEFAULTS: Readonly<Record<string, string>> = {
  dynamic_ownership: "1",
  user: "libvirt-qemu",
  group: "libvirt-qemu",
  security_driver: "as the host has it",
  security_default_confined: "1",
  spice_listen: "127.0.0.1",
  spice_tls: "0",
  unix_sock_group: "root",
  unix_sock_rw_perms: "0777",
  auth_unix_rw: "polkit",
  listen_tcp: "0",
};

/** What states of earlier versions hold for these unset keys. */
const EARLIER_DEFAULTS: Readonly<Record<string, string>> = {
  unix_sock_group: "libvirt",
  unix_sock_rw_perms: "0770",
  auth_unix_rw: "none",
};

/** The effective value: a key that is set to its default equals an unset one. */
export function effective(item: string, field: string, value: string): string {
  if (!item.startsWith("config ") || value !== "") return value;
  return DEFAULTS[field] ?? "not set";
}

const packages: Section = ({ packages, install, qemu }, recorded) =>
  packages.flatMap((name): HostWanted[] => {
    const item = `package ${name}`;
    const fix = install
      ? run("installs it", "packages.sh", packageArgs("install", [name], qemu), "a download")
      : refuse(`run 'apt-get install ${name}', or set host.packages to "install"`);
    const hold = recorded[key(item, "hold")];
    const there = [[item, "state", "installed"]] as const;
    return [
      { item, field: "state", right: "installed", heal: fix },
      ...(hold === undefined
        ? []
        : [{ item, field: "hold", right: hold, recorded: true, needs: there, heal: accept }]),
    ];
  });

/** All files in one step: a damaged package is one run of apt, not one for each file. */
const files: Section = (_contract, _recorded, seen) => {
  const changed = seen.items("file");
  const args = ["reinstall", ...changed.map((item) => item.slice("file ".length))];
  const heal = run("reinstalls its package", "heal.sh", args, "a download");
  return changed.map((item) => ({ item, field: "content", right: "as packaged", heal }));
};

const groups: Section = () => [
  ...["libvirt", "kvm"].map((name) => ({
    ...{ item: `group ${name}`, field: "state", right: "exists" },
    heal: run("creates it", "heal.sh", ["group", name]),
  })),
  {
    ...{ item: "user libvirt-qemu", field: "in group kvm", right: "yes" },
    heal: run("adds it", "heal.sh", ["member", "libvirt-qemu", "kvm"]),
  },
];

const services: Section = () => {
  const heal = run("starts it", "libvirtd.sh", ["start"]);
  return [
    { item: "service libvirtd", field: "state", right: "running", heal },
    { item: "service virtlogd", field: "state", right: "running", heal },
    { item: "libvirt", field: "answers", right: "yes", heal },
  ];
};

const recordedValues: Section = (_contract, recorded) =>
  RECORDED.flatMap(([item, ...fields]) =>
    fields.flatMap((field): HostWanted[] => {
      const right = recorded[key(item, field)];
      if (right === undefined) return [];
      const ok = (found: string): boolean =>
        effective(item, field, found) === right ||
        (found === "" && right === EARLIER_DEFAULTS[field]);
      return [{ item, field, right, ok, recorded: true, heal: accept }];
    }),
  );

/** A folder that has to exist, with a mode and an owner. */
function folderWanted(path: string, mode: string, owner: string, heal: Heal): HostWanted[] {
  const item = `folder ${path}`;
  const needs = [[item, "state", "directory"]] as const;
  return [
    { item, field: "state", right: "directory", heal },
    { item, field: "mode", right: mode, needs, heal },
    { item, field: "owner", right: owner, needs, heal },
  ];
}

/** The folder above a lab's may be anybody's: another mode is reported once. */
function recordedMode(item: string, recorded: Recorded): HostWanted[] {
  const right = recorded[key(item, "mode")];
  const needs = [[item, "state", "directory"]] as const;
  return right === undefined
    ? []
    : [{ item, field: "mode", right, recorded: true, needs, heal: accept }];
}

const folders: Section = ({ dataDir, stack, owner }, recorded) => {
  const heal = run("repairs it", "folders.sh", ["make", dataDir, stack, owner]);
  const own = `${dataDir}/${stack}`;
  return [
    { item: `folder ${dataDir}`, field: "state", right: "directory", heal },
    ...recordedMode(`folder ${dataDir}`, recorded),
    ...["", "/pool", "/log", "/shares"].flatMap((below) =>
      folderWanted(`${own}${below}`, "711", "root:root", heal),
    ),
    {
      ...{ item: `folder ${own}`, field: "mark", right: `${stack} ${owner}`, heal },
      needs: [[`folder ${own}`, "state", "directory"]],
    },
  ];
};

const pool: Section = ({ pool: { name, path } }, _recorded, seen) => {
  const item = `pool ${name}`;
  const there = [ANSWERS, [item, "path", path]] as const;
  const start = run("starts it", "heal.sh", ["pool", name]);
  const heal =
    seen.value(item, "state") === "missing"
      ? elsewhere("'npm run up' defines it again and keeps its files")
      : start;
  const moved = refuse(
    `run 'virsh pool-destroy ${name}' and 'virsh pool-undefine ${name}', then 'up'`,
  );
  return [
    { item, field: "state", right: "active", needs: [ANSWERS], heal },
    {
      ...{ item, field: "path", right: path, needs: [ANSWERS, [item, "state", "active"]] },
      heal: moved,
    },
    { item, field: "autostart", right: "yes", needs: there, heal: start },
  ];
};

const network: Section = ({ network: wanted, stack, guests }, _recorded, seen) => {
  if (wanted === undefined) return [];
  const item = `network ${wanted.name}`;
  const needs = [ANSWERS, [item, "state", "active"]] as const;
  const start = run("starts it", "heal.sh", ["network", wanted.name]);
  const heal = seen.value(item, "state") === "missing" ? elsewhere("up creates it") : start;
  return [
    { item, field: "state", right: "active", needs: [ANSWERS], heal },
    { item, field: "autostart", right: "yes", needs, heal: start },
    {
      ...{ item, field: "stack", right: stack, needs },
      heal: refuse(
        `if it is another lab's, choose another stack name, else run 'virsh net-destroy ${wanted.name}' and 'virsh net-undefine ${wanted.name}', then 'up'`,
      ),
    },
    {
      ...{ item, field: "address", right: wanted.address, needs },
      heal: refuse(
        `guests hold leases of it: shut them down, run 'virsh net-destroy ${wanted.name}' and 'virsh net-undefine ${wanted.name}', then 'up'`,
      ),
    },
    // A guest that is off has no card.
    ...guests.flatMap(({ domain }): HostWanted[] => {
      const field = `card of ${domain}`;
      if (seen.value(item, field) === undefined) return [];
      const connect = run("connects it again", "heal.sh", ["network", wanted.name]);
      return [{ item, field, right: "in its bridge", needs, heal: connect }];
    }),
    ...wanted.hosts.map(({ mac, ip }) => ({
      ...{ item, field: `address of ${mac}`, right: ip, needs },
      heal: run("sets it", "heal.sh", ["lease", wanted.name, mac, ip]),
    })),
  ];
};

const shares: Section = ({ guests, dataDir, stack, owner }, _recorded, seen) =>
  guests.flatMap((guest): HostWanted[] => {
    if (guest.share === undefined || !domainThere(guest, seen)) return [];
    const { path, own } = guest.share;
    if (own) {
      const heal = run("repairs it", "folders.sh", [
        "make-share",
        dataDir,
        stack,
        owner,
        guest.name,
      ]);
      return folderWanted(path, "2770", "libvirt-qemu:libvirt", heal);
    }
    const heal = refuse(
      `the lab does not create it: run 'mkdir ${shellWord(path)}', or change guests[].share.path`,
    );
    return [{ item: `folder ${path}`, field: "state", right: "directory", heal }];
  });

const ports: Section = (contract, _recorded, seen) =>
  contract.guests.flatMap((guest): HostWanted[] => {
    const domain = `domain ${guest.domain}`;
    const spice = seen.value(domain, "spice port");
    if (!isOurs(contract, guest, seen) || spice === undefined) return [];
    const holder = `${contract.stack}.${guest.name}`;
    const ssh = seen.value(domain, "ssh port") ?? String(guest.ports.ssh ?? 0);
    const words = guest.ports.ssh === undefined ? [spice] : [ssh, spice];
    const any = new RegExp(`^${words.map((w) => (w === "0" ? "[0-9]+" : w)).join(" ")}$`);
    const heal = run("reserves them", "ports.sh", [
      ...["keep", contract.dataDir, holder],
      ...words,
    ]);
    const right = words.map((word) => (word === "0" ? "any" : word)).join(" ");
    return [
      { item: `ports ${holder}`, field: "reserved", right, ok: (found) => any.test(found), heal },
      ...listening(guest, domain, seen),
    ];
  });

/** Listening ports of a running guest. */
function listening(guest: GuestOnHost, domain: string, seen: HostObservation): HostWanted[] {
  const needs = [[domain, "state", "running"]] as const;
  const on = (field: string, right: string, heal: Heal): HostWanted => ({
    ...{ item: `forwards ${guest.domain}`, field, right, needs, heal },
  });
  const ssh = seen.value(domain, "ssh port");
  const spice = seen.value(domain, "spice port");
  const address = seen.value(domain, "spice address") ?? "127.0.0.1";
  const add = ["forward", guest.domain, ssh ?? ""];
  return [
    ...(ssh === undefined
      ? []
      : [on("ssh", `127.0.0.1:${ssh}`, run("adds it to the running guest", "heal.sh", add))]),
    ...(spice === undefined
      ? []
      : [on("spice", `${address}:${spice}`, refuse("shut the guest down, then 'up' starts it"))]),
  ];
}

/** What `guests[].onDrift` leaves as it is; undefined: nothing. */
function left({ domain, onDrift }: GuestOnHost, seen: HostObservation): Heal | undefined {
  if (onDrift === "report") return elsewhere("it is only reported: guests[].onDrift");
  const runs = seen.value(`domain ${domain}`, "state") === "running";
  return onDrift === "restart-at-next-boot" && runs
    ? elsewhere("an 'up' while the guest is shut off enlarges it: guests[].onDrift")
    : undefined;
}

const disks: Section = ({ guests, pool: { name, path } }, recorded, seen) =>
  guests.flatMap((guest): HostWanted[] => {
    if (guest.disk === undefined || !domainThere(guest, seen)) return [];
    const { volume, bytes, image, imageFormat, digest } = guest.disk;
    const item = `volume ${volume}`;
    const needs = [ANSWERS, [`pool ${name}`, "state", "active"]] as const;
    const there = [...needs, [item, "state", "exists"]] as const;
    const lost = refuse(
      `somebody changed the guest's disk: restore ${path}/${volume} from a copy, or make the guest anew with 'lab reset ${guest.name}'`,
    );
    const base = `image ${image}`;
    const file = [[base, "state", "file"]] as const;
    const rewritten = refuse(
      `the guests' disks are overlays of it and break on another: shut the guests down and restore the file from a copy, or remove it and make them anew with 'lab reset GUEST'`,
    );
    return [
      {
        ...{ item, field: "state", right: "exists", needs },
        heal: elsewhere("up creates an empty overlay: the guest's data is lost"),
      },
      { item, field: "format", right: "qcow2", needs: there, heal: lost },
      {
        ...{ item, field: "virtual size", right: String(bytes), needs: there },
        heal:
          left(guest, seen) ??
          (Number(seen.value(item, "virtual size") ?? 0) > bytes
            ? refuse(
                "a disk cannot shrink: raise guests[].diskGiB again, or make the guest anew with 'lab reset GUEST'",
              )
            : run("enlarges it and the guest's file system, and keeps their content", "heal.sh", [
                "disk-size",
                name,
                volume,
                String(bytes),
                guest.domain,
              ])),
      },
      { item, field: "backing file", right: image, needs: there, heal: lost },
      { item, field: "backing format", right: imageFormat, needs: there, heal: lost },
      { item: base, field: "state", right: "file", needs: there, heal: rewritten },
      {
        ...{ item: base, field: "mode", right: "444", needs: file },
        heal: run("sets it", "heal.sh", ["image-mode", image]),
      },
      {
        ...{ item: base, field: "digest", needs: file, heal: rewritten },
        right:
          digest ??
          recorded[key(base, "digest")] ??
          seen.value(base, "manifest") ??
          seen.value(base, "digest") ??
          "known",
        recorded: digest === undefined,
      },
    ];
  });

/** In the order of repair. */
export const SECTIONS: readonly Section[] = [
  ...[packages, files, groups, services, recordedValues, folders],
  ...[pool, network, shares, ports, disks],
];
