/** Rules of the configuration that span several keys. Pure. */
import { BuildCache } from "./buildSchema";
import { ConfigFault } from "./fault";
import { GuestConfig } from "./schema";
import { isLoopback } from "./screen";
import { chosenOptions, LOMIRI_MEMORY_MIB } from "./session";
import { softwareFaults } from "./softwareRules";
import { SUITES, suitesWith } from "./suites";
import { MOST_OUTPUTS, QXL_SIZES } from "./video";

/** Kinds that take each key of a session. */
const KINDS_OF = {
  command: ["demo", "command"],
  client: ["demo", "miriway", "command"],
  console: ["demo", "miriway", "command"],
  platform: ["demo", "miriway"],
  rendering: ["demo", "miriway"],
  cursor: ["demo", "miriway"],
} as const;

/** Keys of another kind of session, and too little memory for this one. */
function sessionFaults(guest: GuestConfig, at: string): ConfigFault[] {
  const { kind, command, client, console } = guest.session;
  const faults: ConfigFault[] = [];
  const add = (key: string, reason: string): void =>
    void faults.push({ path: `${at}.${key}`, reason });
  const options = Object.keys(chosenOptions(guest.session)) as (keyof typeof KINDS_OF)[];
  const given = Object.entries({ command, client, console })
    .filter(([, value]) => value !== undefined)
    .map(([key]) => key as keyof typeof KINDS_OF);
  for (const key of [...given, ...options]) {
    const kinds: readonly string[] = KINDS_OF[key];
    if (!kinds.includes(kind)) {
      const need = `need kind ${kinds.map((word) => `'${word}'`).join(" or ")}`;
      add(
        `session.${key}`,
        `found the key with session.kind '${kind}'; ${need}; fix: remove the key, or change session.kind`,
      );
    } else if (command !== undefined && options.includes(key)) {
      add(
        `session.${key}`,
        "found the key beside session.command; need one of them; fix: give the command Mir's option",
      );
    }
  }
  if (kind === "command" && command === undefined)
    add("session.command", "missing; session.kind 'command' needs it");
  faults.push(...suiteFaults(guest, at));
  // An adopted domain keeps its own memory: the key does not apply to it.
  const least = kind === "lomiri" ? LOMIRI_MEMORY_MIB : 0;
  if (guest.image.source !== "existing" && guest.memoryMiB < least)
    add("memoryMiB", `found ${guest.memoryMiB}; need at least ${least} for session.kind '${kind}'`);
  return faults;
}

/** What the guest's suite does not have, and the suites that have it. */
function suiteFaults({ image, session }: GuestConfig, at: string): ConfigFault[] {
  if (!("suite" in image)) return [];
  const { kind, platform, rendering } = session;
  const wanted = [
    ["kind", "sessions", kind === "command" ? "demo" : kind, "demo"],
    ["platform", "platforms", platform, "auto"],
    ["rendering", "renderers", rendering, "auto"],
  ] as const;
  return wanted.flatMap(([key, feature, word, everywhere]) => {
    const suites = suitesWith(feature, word);
    if (word === everywhere || suites.includes(image.suite)) return [];
    const reason = `found '${word}' with image.suite '${image.suite}'; need a suite with it: ${suites.join(", ")}`;
    return [{ path: `${at}.session.${key}`, reason }];
  });
}

/** A screen that others could reach without TLS, and TLS for a guest that does not support it. */
function screenFaults({ spice, image }: GuestConfig, at: string): ConfigFault[] {
  if (!spice.tls) {
    if (isLoopback(spice.listen)) return [];
    const reason = `found "${spice.listen}" without spice.tls; need loopback or TLS; fix: set spice.tls to true, or listen on 127.0.0.1 and tunnel ('ssh -L')`;
    return [{ path: `${at}.spice.listen`, reason }];
  }
  if (image.source !== "existing") return [];
  const reason = `found true for an adopted guest; need a guest that the lab creates; fix: remove the key`;
  return [{ path: `${at}.spice.tls`, reason }];
}

/** The owner's own setting of an adopted domain is not the lab's. */
function autostartFaults({ autostart, image }: GuestConfig, at: string): ConfigFault[] {
  if (!autostart || image.source !== "existing") return [];
  const reason = `found true for an adopted guest; need a guest that the lab creates; fix: remove the key, and set it by 'virsh autostart ${image.domain}'`;
  return [{ path: `${at}.autostart`, reason }];
}

/** A closed network for a guest that does not support it. */
function outboundFaults({ network, image }: GuestConfig, at: string): ConfigFault[] {
  if (network.outbound) return [];
  const path = `${at}.network.outbound`;
  if (network.mode !== "user" || image.source === "existing")
    return [
      {
        path,
        reason:
          "found false; need network.mode 'user' and a guest that the lab creates; fix: remove the key",
      },
    ];
  if ("suite" in image) return [];
  const reason = `found false with image.source '${image.source}'; need the network for the packages of the first boot; fix: use image.source 'debian', or remove the key`;
  return [{ path, reason }];
}

/** An installer without a place to get it from, or with two, and a disk that the guest's cannot stand on. */
function installerFaults({ image, diskGiB }: GuestConfig, at: string): ConfigFault[] {
  if (image.source !== "iso") return [];
  const { url, file, sizeGiB } = image;
  const faults: ConfigFault[] = [];
  if ((url === undefined) === (file === undefined)) {
    const found = url === undefined ? "neither" : "both";
    faults.push({
      path: `${at}.image.url`,
      reason: `found ${found} of url and file; need one of them`,
    });
  }
  if (sizeGiB > diskGiB) {
    const reason = `found ${sizeGiB}; need at most guests[].diskGiB (${diskGiB})`;
    faults.push({ path: `${at}.image.sizeGiB`, reason });
  }
  return faults;
}

/** Helpers for a disabled compile, and a helper that is listed twice. */
export function helperFaults({ warm, distcc }: BuildCache): ConfigFault[] {
  const path = "host.buildCache.distcc";
  const faults: ConfigFault[] = [];
  const claim = claims(faults);
  distcc.forEach(({ port }, i) => claim(`port ${port}`, `${path}[${i}].port`));
  if (warm === "never" && distcc.length > 0) {
    const reason =
      "found helpers with warm 'never'; need a compile on the host; fix: set warm to 'auto', or remove distcc";
    faults.push({ path, reason });
  }
  return faults;
}

/** Adds a fault when two keys claim the same port, name or domain. */
function claims(faults: ConfigFault[]): (what: string, path: string) => void {
  const taken = new Map<string, string>();
  return (what, path) => {
    const first = taken.get(what);
    if (first === undefined) taken.set(what, path);
    else faults.push({ path, reason: `found ${what}, which ${first} has too; need another one` });
  };
}

/** A Mesa that is compiled with the libraries of another suite than the guest's. */
function mesaFaults({ image, mesa }: GuestConfig, at: string): ConfigFault[] {
  if (mesa.source !== "build" || !("suite" in image)) return [];
  const suite = mesa.build?.suite ?? image.suite;
  if (SUITES[image.suite].distribution !== "debian") {
    const reason = `found 'build' with image.source 'ubuntu'; need 'debian': Mesa is compiled with a Debian suite's libraries; fix: use mesa.source 'package'`;
    return [{ path: `${at}.mesa.source`, reason }];
  }
  if (suite === image.suite) return [];
  const reason = `found '${suite}' with image.suite '${image.suite}'; need '${image.suite}': Mesa uses the guest's libraries; fix: remove the key`;
  return [{ path: `${at}.mesa.build.suite`, reason }];
}

/** Sizes of another model than QXL, and a frame buffer that has no room. */
function sizeFaults({ model, ...sizes }: GuestConfig["video"]): [string, string][] {
  if (model === "qxl") {
    if (sizes.vgamemKiB <= sizes.ramKiB) return [];
    const need = `need at most video.ramKiB (${sizes.ramKiB})`;
    return [["vgamemKiB", `found ${sizes.vgamemKiB}; ${need}`]];
  }
  const keys = ["ramKiB", "vramKiB", "vgamemKiB"] as const;
  return keys.flatMap((key): [string, string][] =>
    sizes[key] === QXL_SIZES[key]
      ? []
      : [[key, `found the key with video.model '${model}'; need model 'qxl'; fix: remove the key`]],
  );
}

/** Outputs that the model or the session does not have. */
function outputFaults({ video, session }: GuestConfig): [string, string][] {
  const { model, outputs } = video;
  const most = MOST_OUTPUTS[model];
  if (outputs.length > 0 && session.kind === "lomiri") {
    const need = "need another kind: Lomiri has a layout of its own";
    return [["outputs", `found the key with session.kind 'lomiri'; ${need}; fix: remove the key`]];
  }
  if (outputs.length > 0 && session.platform === "virtual") {
    const need = "need a platform with a screen: a virtual output is none of the card's";
    return [
      ["outputs", `found the key with session.platform 'virtual'; ${need}; fix: remove the key`],
    ];
  }
  if (outputs.length <= most) return [];
  const why =
    model === "qxl"
      ? "QEMU makes a picture of a QXL card's first output alone"
      : "the card has one output";
  return [
    [
      "outputs",
      `found ${outputs.length} with video.model '${model}'; need at most ${most}: ${why}; fix: set video.model to 'virtio'`,
    ],
  ];
}

/** Rules that span several keys. */
export function crossFaults(guests: readonly (GuestConfig | undefined)[]): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const add = (path: string, reason: string): void => void faults.push({ path, reason });
  const claim = claims(faults);
  guests.forEach((guest, i) => {
    const at = `guests[${i}]`;
    if (guest === undefined) return;
    claim(`guest name '${guest.name}'`, `${at}.name`);
    if (guest.spice.port !== undefined) claim(`port ${guest.spice.port}`, `${at}.spice.port`);
    if (guest.network.sshPort !== undefined)
      claim(`port ${guest.network.sshPort}`, `${at}.network.sshPort`);
    if (guest.image.source === "existing")
      claim(`domain '${guest.image.domain}'`, `${at}.image.domain`);
    faults.push(
      ...[...sessionFaults(guest, at), ...screenFaults(guest, at)],
      ...[...outboundFaults(guest, at), ...autostartFaults(guest, at), ...mesaFaults(guest, at)],
      ...installerFaults(guest, at),
    );
    for (const software of ["kernel", "mesa"] as const) {
      for (const [path, reason] of softwareFaults(guest[software]))
        add(`${at}.${software}.${path}`, reason);
      if (guest.image.source === "existing" && guest[software].source !== "distro") {
        add(
          `${at}.${software}.source`,
          `found '${guest[software].source}' for an adopted guest; need 'distro': the lab does not manage its ${software}`,
        );
      }
    }
    for (const [key, reason] of [...sizeFaults(guest.video), ...outputFaults(guest)])
      add(`${at}.video.${key}`, reason);
  });
  return faults;
}
