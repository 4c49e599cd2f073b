/**
 * The parts of a domain that policies judge, from the inputs of the three resources that declare one.
 * Pure.
 *
 * Getters read each part only when a policy asks for it: reading an input that a preview does not know
 * yet then stops that policy, not the others.
 */
import type { AdoptContract } from "./adopt/adoption";
import type { DomainSpec } from "./definition";
import { Acceleration, accelerationOf } from "../../core/limits";
import { LOOPBACK } from "../../config/screen";
import { QXL_SIZES } from "../../config/video";
import { fromXml } from "../../core/xml";

export interface Graphics {
  readonly type: string;
  /** `socket`, `none`, or the address that clients connect to. */
  readonly listen: string;
  /** Refuses clients that do not speak TLS. */
  readonly tlsOnly: boolean;
  readonly ticket: boolean;
  readonly clipboard: boolean;
  readonly fileTransfer: boolean;
}

export interface Video {
  readonly model: string;
  readonly ramKiB: number;
  readonly vramKiB: number;
  readonly vgamemKiB: number;
}

export interface Share {
  readonly path: string;
  readonly mode: string;
  readonly readonly: boolean;
  /** 9p, unless a driver says virtiofs. */
  readonly virtiofs: boolean;
}

export interface DomainParts {
  /** The name in the policies' configuration: the guest's, or the resource's. */
  readonly name: string;
  /** The lab's mark; undefined: the resource has none. */
  readonly mark: { readonly stack: string; readonly guest: string } | undefined;
  readonly acceleration: Acceleration | undefined;
  readonly memoryMiB: number | undefined;
  readonly vcpus: number | undefined;
  readonly graphics: readonly Graphics[];
  readonly videos: readonly Video[];
  readonly shares: readonly Share[];
  readonly userNetwork: boolean;
  /** Folder of its disks; undefined: the inputs do not say. */
  readonly diskFolder: string | undefined;
  /** Elements that bypass sVirt, as written, e.g. `seclabel type='none'`. */
  readonly labels: readonly string[];
  /** Elements that bypass libvirt's model, as written, e.g. `qemu:arg value='-s'`. */
  readonly rawQemu: readonly string[];
}

const NOTHING = { labels: [], rawQemu: [] } as const;

/** `/a/b` of `/a/b/c`. */
const folderOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf("/")));

const spiceOf = (spice: DomainSpec["spice"]): Graphics => ({
  ...{ type: "spice", listen: spice.listen ?? LOOPBACK, ticket: true },
  tlsOnly: spice.tlsFolder !== undefined,
  ...{ clipboard: spice.clipboard, fileTransfer: spice.fileTransfer },
});

const shareOf = (share: { path: string; readonly: boolean }): Share => ({
  get path() {
    return share.path;
  },
  ...{ mode: "mapped", readonly: share.readonly, virtiofs: false },
});

/** The lab's own domain: as components/domain/definition.ts writes it. */
export function partsOfSpec(spec: DomainSpec): DomainParts {
  return {
    ...{ name: spec.guest, ...NOTHING },
    mark: { stack: spec.stack, guest: spec.guest },
    memoryMiB: spec.memoryMiB,
    vcpus: spec.vcpus,
    get acceleration() {
      return accelerationOf(spec.type);
    },
    get graphics() {
      return [spiceOf(spec.spice)];
    },
    get videos() {
      return [{ model: "qxl", ...spec.video }];
    },
    get shares() {
      return spec.share === undefined ? [] : [shareOf(spec.share)];
    },
    get userNetwork() {
      return spec.network.mode === "user";
    },
    get diskFolder() {
      return folderOf(spec.disk);
    },
  };
}

/** An adopted domain: only what the lab declares. No input has the rest. */
export function partsOfAdopted(
  inputs: AdoptContract & { readonly domain: string; readonly wantedAcceleration: string },
): DomainParts {
  return {
    ...{ name: inputs.guest, ...NOTHING },
    mark: { stack: inputs.stack, guest: inputs.guest },
    ...{ memoryMiB: undefined, vcpus: undefined, diskFolder: undefined, userNetwork: false },
    acceleration: inputs.wantedAcceleration === "tcg" ? "tcg" : undefined,
    get graphics() {
      return [spiceOf(inputs.spice)];
    },
    get videos() {
      return [{ model: "qxl", ...inputs.video }];
    },
    get shares() {
      return inputs.share === undefined ? [] : [shareOf(inputs.share)];
    },
  };
}

/** Inputs of a libvirt:index/domain:Domain that somebody declares beside the lab's guests. */
export interface DomainInputs {
  readonly name?: string;
  readonly type?: string;
  readonly memory?: number;
  readonly vcpu?: number;
  readonly graphics?: {
    readonly type?: string;
    readonly listenType?: string;
    readonly listenAddress?: string;
  };
  readonly video?: { readonly type?: string };
  readonly filesystems?: readonly {
    readonly source: string;
    readonly accessmode?: string;
    readonly readonly?: boolean;
  }[];
  readonly xml?: { readonly xslt?: string };
}

/** Missing inputs have the provider's defaults (0.8.3). What the stylesheet writes counts too. */
export function partsOfDomain(inputs: DomainInputs, resource: string): DomainParts {
  const sheet = (): Sheet => readSheet(inputs.xml?.xslt);
  return {
    name: resource,
    mark: undefined,
    acceleration: inputs.type === undefined ? undefined : accelerationOf(inputs.type),
    memoryMiB: inputs.memory ?? 512,
    vcpus: inputs.vcpu ?? 1,
    diskFolder: undefined,
    get graphics() {
      const {
        type = "spice",
        listenType = "none",
        listenAddress = "127.0.0.1",
      } = inputs.graphics ?? {};
      const declared = {
        ...{ type, listen: listenType === "address" ? listenAddress : listenType },
        ...{ tlsOnly: false, ticket: false },
        // libvirt enables both unless the definition disables them.
        clipboard: !sheet().clipboardOff,
        fileTransfer: !sheet().fileTransferOff,
      };
      return [declared, ...sheet().graphics];
    },
    get videos() {
      const declared =
        inputs.video === undefined ? [] : [{ model: inputs.video.type ?? "cirrus", ...QXL_SIZES }];
      return [...declared, ...sheet().videos];
    },
    get shares() {
      const declared = Array.from(inputs.filesystems ?? [], (share) => ({
        get path() {
          return share.source;
        },
        ...{ mode: share.accessmode ?? "mapped", readonly: share.readonly ?? true },
        virtiofs: false,
      }));
      return [...declared, ...sheet().shares];
    },
    get userNetwork() {
      return sheet().userNetwork;
    },
    get labels() {
      return sheet().labels;
    },
    get rawQemu() {
      return sheet().rawQemu;
    },
  };
}

interface Sheet {
  readonly graphics: readonly Graphics[];
  readonly videos: readonly Video[];
  readonly shares: readonly Share[];
  readonly clipboardOff: boolean;
  readonly fileTransferOff: boolean;
  readonly userNetwork: boolean;
  readonly labels: readonly string[];
  readonly rawQemu: readonly string[];
}

type Element = NonNullable<ReturnType<typeof fromXml>["documentElement"]>;

/** What a stylesheet writes into a definition: all its literal elements. */
function readSheet(xslt: string | undefined): Sheet {
  const all = xslt === undefined ? [] : elementsOf(xslt);
  const named = (...names: string[]): Element[] =>
    all.filter((e) => names.includes(e.localName ?? e.nodeName));
  const is = (e: Element, key: string, value: string): boolean => e.getAttribute(key) === value;
  return {
    graphics: named("graphics").map(graphicsOf),
    videos: named("video").flatMap((video) =>
      Array.from(video.getElementsByTagName("model"), videoOf),
    ),
    shares: named("filesystem").map(filesystemOf),
    clipboardOff: named("clipboard").some((e) => is(e, "copypaste", "no")),
    fileTransferOff: named("filetransfer").some((e) => is(e, "enable", "no")),
    userNetwork: named("interface").some((e) => is(e, "type", "user")),
    labels: named("seclabel").filter(isLoose).map(written),
    rawQemu: [
      ...named("arg", "env", "property", "add", "del").filter((e) => e.prefix === "qemu"),
      ...named("include", "import", "element").filter((e) => e.prefix === "xsl"),
    ].map(written),
  };
}

function elementsOf(xslt: string): Element[] {
  const root = fromXml(xslt).documentElement;
  return root === null ? [] : [root, ...Array.from(root.getElementsByTagName("*"))];
}

/** The start tag, without namespaces: `seclabel type='none'`. */
function written(element: Element): string {
  const attributes = Array.from(element.attributes).filter((a) => !a.name.startsWith("xmlns"));
  return [element.nodeName, ...attributes.map((a) => `${a.name}='${a.value}'`)].join(" ");
}

/** Confinement is switched off, or the DAC driver runs QEMU as root. */
function isLoose(label: Element): boolean {
  if (label.getAttribute("type") === "none" || label.getAttribute("relabel") === "no") return true;
  const text = label.textContent?.trim() ?? "";
  return label.getAttribute("model") === "dac" && /^(\+?0|root)(:|$)/.test(text);
}

function graphicsOf(element: Element): Graphics {
  const child = (name: string): Element | undefined =>
    Array.from(element.getElementsByTagName(name))[0];
  const listen = child("listen");
  const by = listen?.getAttribute("type") ?? "address";
  const address = listen?.getAttribute("address") ?? element.getAttribute("listen");
  return {
    type: element.getAttribute("type") ?? "",
    listen: by === "address" ? (address ?? "the host's default address") : by,
    tlsOnly: element.getAttribute("defaultMode") === "secure" && !element.hasAttribute("port"),
    ticket: (element.getAttribute("passwd") ?? "") !== "",
    clipboard: child("clipboard")?.getAttribute("copypaste") !== "no",
    fileTransfer: child("filetransfer")?.getAttribute("enable") !== "no",
  };
}

function videoOf(model: Element): Video {
  const size = (key: string, fallback: number): number =>
    Number(model.getAttribute(key) ?? fallback);
  return {
    model: model.getAttribute("type") ?? "",
    ramKiB: size("ram", QXL_SIZES.ramKiB),
    vramKiB: size("vram", QXL_SIZES.vramKiB),
    vgamemKiB: size("vgamem", QXL_SIZES.vgamemKiB),
  };
}

function filesystemOf(element: Element): Share {
  const attribute = (name: string, key: string): string | null =>
    Array.from(element.getElementsByTagName(name))[0]?.getAttribute(key) ?? null;
  return {
    path: attribute("source", "dir") ?? "",
    // libvirt's default; the provider's is mapped.
    mode: element.getAttribute("accessmode") ?? "passthrough",
    readonly: element.getElementsByTagName("readonly").length > 0,
    virtiofs: attribute("driver", "type") === "virtiofs",
  };
}
