/** A guest's domain as libvirt XML. Pure. */
import { LOOPBACK, ScreenPlace } from "../../config/screen";
import { VideoModel } from "../../config/video";
import { toXml, Tree } from "../../core/xml";

/** Everything that decides the domain's definition. Sizes are in the unit of the name. */
export interface DomainSpec {
  readonly name: string;
  /** Stack that owns the domain; written into its metadata. */
  readonly stack: string;
  readonly guest: string;
  readonly type: "kvm" | "qemu";
  readonly memoryMiB: number;
  readonly vcpus: number;
  /** `52:54:00:...`; see mac.ts. */
  readonly mac: string;
  readonly disk: string;
  /** Path of the NoCloud seed image. */
  readonly seed: string;
  /** File that receives the guest's serial console. */
  readonly serialLog: string;
  readonly video: {
    readonly ramKiB: number;
    readonly vramKiB: number;
    readonly vgamemKiB: number;
    /** @default qxl */
    readonly model?: VideoModel;
    /** Outputs of the card. @default 1 */
    readonly heads?: number;
  };
  readonly spice: {
    readonly port: number;
    readonly clipboard: boolean;
    readonly fileTransfer: boolean;
  } & ScreenPlace;
  readonly network:
    | {
        readonly mode: "user";
        readonly sshPort: number;
        /** No outbound connections; SSH still comes in. */
        readonly closed?: boolean;
      }
    | { readonly mode: "nat"; readonly name: string };
  readonly share?: { readonly path: string; readonly tag: string; readonly readonly: boolean };
  /** libvirt starts it with the host. @default false */
  readonly autostart?: boolean;
}

/** Slot of the user-mode NIC on pcie.0: above libvirt's own root ports. */
const USER_NIC_SLOT = "0x1e";

/** Of bochs-display, KiB: QEMU's default. */
const BOCHS_VRAM_KIB = 16384;

const yesNo = (on: boolean): string => (on ? "yes" : "no");

/** SPICE, on loopback unless declared otherwise; clients need the ticket, if there is one. */
export function graphicsTree(spice: DomainSpec["spice"], ticket?: string): Tree {
  const listen = spice.listen ?? LOOPBACK;
  return [
    "graphics",
    {
      ...{ type: "spice", port: spice.port, autoport: "no", listen },
      ...(ticket === undefined ? {} : { passwd: ticket }),
    },
    ["listen", { type: "address", address: listen }],
    ["image", { compression: "off" }],
    ["clipboard", { copypaste: yesNo(spice.clipboard) }],
    ["filetransfer", { enable: yesNo(spice.fileTransfer) }],
  ];
}

/** Memory of each model that has a size, KiB; explicit, so that no default of libvirt's counts as drift. */
function videoMemory(video: DomainSpec["video"]): Record<string, number> {
  if (video.model === "virtio") return {};
  if (video.model === "bochs") return { vram: BOCHS_VRAM_KIB };
  return { ram: video.ramKiB, vram: video.vramKiB, vgamem: video.vgamemKiB };
}

/** The guest's card: QXL, the page's video model, unless another one is declared. */
export function videoTree(video: DomainSpec["video"]): Tree {
  const { model: type = "qxl", heads = 1 } = video;
  return ["video", {}, ["model", { type, ...videoMemory(video), heads, primary: "yes" }]];
}

/** The 9p share in mode `mapped`: the guest's owners and modes are extended attributes on the host. */
export function shareTree(share: NonNullable<DomainSpec["share"]>): Tree {
  return [
    "filesystem",
    { type: "mount", accessmode: "mapped" },
    ["source", { dir: share.path }],
    ["target", { dir: share.tag }],
    share.readonly ? ["readonly"] : undefined,
  ];
}

/** The metadata that marks a domain as the lab's. */
export function ownerTree(stack: string, guest: string): Tree {
  return ["mirlab:owner", {}, ["mirlab:stack", {}, stack], ["mirlab:guest", {}, guest]];
}

/** SPICE's own channel and the guest agent's. */
export function channelTrees(): Tree[] {
  return [
    ["channel", { type: "spicevmc" }, ["target", { type: "virtio", name: "com.redhat.spice.0" }]],
    ["channel", { type: "unix" }, ["target", { type: "virtio", name: "org.qemu.guest_agent.0" }]],
  ];
}

function nicTree(spec: DomainSpec): Tree | undefined {
  if (spec.network.mode !== "nat") return undefined;
  return [
    "interface",
    { type: "network" },
    ["mac", { address: spec.mac }],
    ["source", { network: spec.network.name }],
    ["model", { type: "virtio" }],
  ];
}

/** QEMU arguments for which libvirt has no element. */
function qemuWords({ network, mac, spice }: DomainSpec): string[] {
  const words: string[] = [];
  if (network.mode === "user") {
    const closed = network.closed === true ? ",restrict=on" : "";
    words.push(
      "-netdev",
      `user,id=mirlab0${closed},hostfwd=tcp:127.0.0.1:${network.sshPort}-:22`,
      "-device",
      `virtio-net-pci,netdev=mirlab0,mac=${mac},bus=pcie.0,addr=${USER_NIC_SLOT}`,
    );
  }
  // libvirt configures TLS of SPICE only for the whole host. QEMU merges this with libvirt's own
  // arguments; port=0 closes the clear-text port. See docs/decisions/0015.
  if (spice.tlsFolder !== undefined)
    words.push("-spice", `port=0,tls-port=${spice.port},x509-dir=${spice.tlsFolder}`);
  return words;
}

function commandlineTree(words: readonly string[]): Tree | undefined {
  if (words.length === 0) return undefined;
  return ["qemu:commandline", {}, ...words.map((value): Tree => ["qemu:arg", { value }])];
}

function devicesTree(spec: DomainSpec, nic: Tree | undefined, ticket: string | undefined): Tree {
  return [
    "devices",
    {},
    [
      "disk",
      { type: "file", device: "disk" },
      ["driver", { name: "qemu", type: "qcow2", discard: "unmap" }],
      ["source", { file: spec.disk }],
      ["target", { dev: "vda", bus: "virtio" }],
    ],
    [
      "disk",
      { type: "file", device: "cdrom" },
      ["driver", { name: "qemu", type: "raw" }],
      ["source", { file: spec.seed }],
      ["target", { dev: "sda", bus: "sata" }],
      ["readonly"],
    ],
    ["controller", { type: "usb", index: 0, model: "qemu-xhci" }],
    spec.share === undefined ? undefined : shareTree(spec.share),
    nic,
    [
      "serial",
      { type: "pty" },
      ["log", { file: spec.serialLog, append: "on" }],
      ["target", { port: 0 }],
    ],
    ["console", { type: "pty" }, ["target", { type: "serial", port: 0 }]],
    ...channelTrees(),
    // The first evdev device gets lost on some VMs (Mir #2837): have both a tablet and a keyboard.
    ["input", { type: "tablet", bus: "usb" }],
    ["input", { type: "keyboard", bus: "usb" }],
    graphicsTree(spec.spice, ticket),
    videoTree(spec.video),
    ["memballoon", { model: "virtio" }],
    ["rng", { model: "virtio" }, ["backend", { model: "random" }, "/dev/urandom"]],
  ];
}

/** The parts of a definition that are not declared. */
export interface Unspecified {
  /** UUID of the existing domain that is redefined, which keeps it. */
  readonly uuid?: string | undefined;
  /** The screen's password; unset: the screen has none. Secret, so it is never declared. */
  readonly ticket?: string;
}

function domainTree(spec: DomainSpec, { uuid, ticket }: Unspecified): Tree {
  return [
    "domain",
    { type: spec.type },
    ["name", {}, spec.name],
    uuid === undefined ? undefined : ["uuid", {}, uuid],
    ["metadata", {}, ownerTree(spec.stack, spec.guest)],
    ["memory", { unit: "MiB" }, String(spec.memoryMiB)],
    ["vcpu", {}, String(spec.vcpus)],
    ["os", {}, ["type", { arch: "x86_64", machine: "q35" }, "hvm"], ["boot", { dev: "hd" }]],
    ["features", {}, ["acpi"], ["apic"]],
    // Under TCG the default model is the fastest that Debian runs on; 'max' is slower (measured).
    // Emulated guests keep QEMU's default, qemu64, which has no AVX: with AVX (`-cpu max`) llvmpipe emits
    // code that TCG translates wrongly, and Mir or its client died of SIGSEGV in 2 of 3 runs (Mir 2.20).
    spec.type === "kvm" ? ["cpu", { mode: "host-passthrough", migratable: "on" }] : undefined,
    ["clock", { offset: "utc" }],
    ["on_poweroff", {}, "destroy"],
    ["on_reboot", {}, "restart"],
    ["on_crash", {}, "preserve"],
    devicesTree(spec, nicTree(spec), ticket),
    commandlineTree(qemuWords(spec)),
  ];
}

/** The domain's XML document. */
export function domainXml(spec: DomainSpec, unspecified: Unspecified = {}): string {
  return toXml(domainTree(spec, unspecified), ["mirlab", "qemu"]);
}
