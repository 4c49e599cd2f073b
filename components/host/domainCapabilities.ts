/** Reads `virsh domcapabilities`: what the emulator supports, according to libvirt. Pure. */
import { childrenOf, firstAt, fromXml } from "../../core/xml";

export interface DomainCapabilities {
  readonly emulator: string;
  /** `pc-q35-7.2`: what the machine alias resolves to. */
  readonly machine: string;
  readonly graphics: readonly string[];
  readonly video: readonly string[];
  readonly channels: readonly string[];
  readonly rng: readonly string[];
  /** Drivers of shared folders. libvirt always lists `path` (9p), even if QEMU lacks it. */
  readonly filesystems: readonly string[];
}

/** Reads the answer. Throws on any other document. */
export function readDomainCapabilities(xml: string): DomainCapabilities {
  const root = fromXml(xml).documentElement;
  if (root?.nodeName !== "domainCapabilities") {
    throw new Error(
      `virsh domcapabilities: found <${root?.nodeName ?? ""}>; need <domainCapabilities>`,
    );
  }
  const text = (name: string): string => firstAt(root, name)?.textContent?.trim() ?? "";
  const values = (device: string, list: string): string[] => {
    const element = firstAt(root, "devices", device);
    if (element?.getAttribute("supported") !== "yes") return [];
    return childrenOf(element, "enum")
      .filter((found) => found.getAttribute("name") === list)
      .flatMap((found) => childrenOf(found, "value"))
      .map((found) => found.textContent?.trim() ?? "");
  };
  return {
    emulator: text("path"),
    machine: text("machine"),
    graphics: values("graphics", "type"),
    video: values("video", "modelType"),
    channels: values("channel", "type"),
    rng: values("rng", "model"),
    filesystems: values("filesystem", "driverType"),
  };
}
