/**
 * Adoption of definitions that other projects publish: MIRLAB_TEST_DEFINITIONS=FOLDER names them, as the test data of
 * a checkout of virt-manager or libvirt. Each that this machine's libvirt defines is adopted by the provider's own
 * code and given back; then it is what it was, to the letter. No domain is started.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { XMLSerializer } from "@xmldom/xmldom";
import {
  AdoptedDomainProps,
  giveBack,
  redefine,
} from "../../components/domain/adopt/adoptedDomain.provider";
import { AdoptedDomainInputs } from "../../components/domain/adopt/adoptedDomain";
import { domainFacts, refusal } from "../../components/domain/adopt/adoption";
import { define, inactiveXml } from "../../components/domain/definition.io";
import { childrenOf, fromXml, xmlText } from "../../core/xml";
import { temporaryFolder } from "../unit/support";
import { virsh } from "./support";

const FOLDER = process.env.MIRLAB_TEST_DEFINITIONS;

/** The definitions in a file, each under a name and UUID of the test. Ours is x86 hardware under QEMU. */
function definitionsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  let doc;
  try {
    doc = fromXml(text);
  } catch {
    return [];
  }
  return [doc.documentElement]
    .filter((root) => root !== null)
    .flatMap((root) => (root.nodeName === "domain" ? [root] : childrenOf(root, "domain")))
    .filter((domain) => /^(qemu|kvm)$/.test(domain.getAttribute("type") ?? ""))
    .map((domain) => {
      const own = fromXml(new XMLSerializer().serializeToString(domain));
      const root = own.documentElement;
      if (root === null) throw new Error(`${file}: no element`);
      // This machine may have no KVM; the type is not what adoption edits.
      root.setAttribute("type", "qemu");
      root.removeAttribute("id");
      // Nor are QEMU's path and version, which are another machine's.
      const type = childrenOf(root, "os").flatMap((os) => childrenOf(os, "type"))[0];
      const machine = type?.getAttribute("machine") ?? "";
      if (machine.startsWith("pc-"))
        type?.setAttribute("machine", machine.includes("q35") ? "q35" : "pc");
      if (/^(x86_64|i686)?$/.test(type?.getAttribute("arch") ?? ""))
        for (const emulator of Array.from(root.getElementsByTagName("emulator")))
          emulator.textContent = "/usr/bin/qemu-system-x86_64";
      for (const [tag, value] of [
        ["name", `mirlab-test-definition-${process.pid}`],
        ["uuid", randomUUID()],
      ] as const) {
        for (const old of Array.from(root.childNodes).filter((node) => node.nodeName === tag))
          root.removeChild(old);
        const element = own.createElement(tag);
        element.appendChild(own.createTextNode(value));
        root.insertBefore(element, root.firstChild);
      }
      return xmlText(own);
    });
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".xml"))
    .map((name) => join(folder, name))
    .sort();
}

/**
 * Defines what libvirt itself prints until that changes nothing: libvirt numbers consoles and sorts controllers anew
 * at a second define, with or without an adoption between.
 */
async function settle(domain: string): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const before = await inactiveXml(undefined, domain);
    await define(undefined, domain, before);
    if ((await inactiveXml(undefined, domain)) === before) return;
  }
}

/** What became of one: `same` after the adoption and its end, or libvirt's or our own refusal. */
async function adoptAndGiveBack(definition: string): Promise<string> {
  const { name: domain, uuid } = domainFacts(definition);
  const inputs: AdoptedDomainInputs = {
    ...{ domain, stack: "test", guest: "g1", directory: join(temporaryFolder(), "g1") },
    ...{ wantedAcceleration: "auto", restart: "never" },
    spice: { port: 22001, clipboard: false, fileTransfer: false },
    video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
    shareTag: "share",
    share: { path: "/srv/mirlab test", readonly: false },
  };
  try {
    await define(undefined, domain, definition);
    await settle(domain);
  } catch {
    return "libvirt does not define it";
  }
  const original = await inactiveXml(undefined, domain);
  try {
    const refused = refusal(original, inputs);
    if (refused !== undefined) return `refused: ${refused}`;
    await redefine({ ...inputs, ticket: "0123456789" }, original, original);
    await giveBack(uuid, { ...inputs, originalXml: original } as AdoptedDomainProps);
    return (await inactiveXml(undefined, domain)) === original ? "same" : "another definition";
  } catch (error) {
    const { message } = error as Error;
    if ((await inactiveXml(undefined, domain)) !== original)
      return `changed, and failed: ${message}`;
    if (/found no free PCI slots for .*fix: with 'virsh edit/.test(message))
      return "refused: no free PCI slots";
    return `failed: ${message.split("\n").slice(-2).join(" ")}`;
  } finally {
    await virsh("undefine", domain, "--nvram", "--managed-save", "--snapshots-metadata");
  }
}

/** A definition of the test's own, with these devices. */
async function endOf(devices: string, machine = "pc"): Promise<string> {
  const text =
    `<domain type='qemu'><name>mirlab-test-definition-${process.pid}</name><uuid>${randomUUID()}</uuid>` +
    `<memory unit='MiB'>64</memory><os><type arch='x86_64' machine='${machine}'>hvm</type></os><features><acpi/></features>` +
    `<devices>${devices}<memballoon model='none'/></devices></domain>`;
  return adoptAndGiveBack(text);
}

describe("an odd definition", () => {
  it("without a free PCI slot is refused, and stays as it is", async () => {
    const disks = Array.from({ length: 30 }, (_, i) => {
      const name = `vd${i < 26 ? "" : "a"}${String.fromCharCode(97 + (i % 26))}`;
      const address = `<address type='pci' bus='0x00' slot='${i + 2}' function='0'/>`;
      return `<disk type='file' device='disk'><source file='/nowhere/${i}'/><target dev='${name}' bus='virtio'/>${address}</disk>`;
    });
    assert.equal(await endOf(disks.join("")), "refused: no free PCI slots");
  });

  it("that libvirt prints and its own schema refuses comes back to the letter", async () => {
    const rom = "<interface type='user'><model type='virtio'/><rom file=''/></interface>";
    assert.equal(await endOf(rom), "same");
  });

  it("whose device gets a second function beside it comes back to the letter", async () => {
    const address = "<address type='pci' bus='0x00' slot='1' function='0'/>";
    const port = `<controller type='pci' index='1' model='pcie-root-port'>${address}</controller>`;
    assert.equal(await endOf(port, "q35"), "same");
  });
});

describe(
  "published definitions",
  {
    skip: FOLDER === undefined ? "needs MIRLAB_TEST_DEFINITIONS=FOLDER" : false,
    timeout: 3_600_000,
  },
  () => {
    it("are adopted and given back to the letter, where libvirt defines them", async () => {
      const ends = new Map<string, string[]>();
      for (const file of filesBelow(FOLDER ?? "")) {
        for (const definition of definitionsOf(file)) {
          const end = await adoptAndGiveBack(definition);
          ends.set(end, [...(ends.get(end) ?? []), file]);
        }
      }
      const count = (end: RegExp): number =>
        [...ends]
          .filter(([key]) => end.test(key))
          .reduce((sum, [, files]) => sum + files.length, 0);
      for (const [end, files] of ends)
        if (end !== "same" && !end.startsWith("libvirt"))
          console.log(`${end}: ${files.join(", ")}`);
      console.log(
        `definitions: ${count(/./)}; libvirt defines ${count(/^(?!libvirt)/)}; ` +
          `given back to the letter ${count(/^same$/)}, refused with a reason ${count(/^refused/)}`,
      );
      assert.ok(count(/^same$/) > 0, "none was adopted");
      assert.equal(count(/^(another|changed|failed)/), 0);
    });
  },
);
