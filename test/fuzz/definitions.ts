/** Domain definitions with hostile texts, and texts that are almost a definition. */
import fc from "fast-check";
import { hostile, near } from "./hostile";

/** Characters that XML 1.0 cannot carry, and U+FFFD, which the parser refuses. */
// eslint-disable-next-line no-control-regex -- control characters are what is removed
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd-\uffff]/g;

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" },
  ...{ "\t": "&#9;", "\n": "&#10;", "\r": "&#13;" },
};

/** The text in libvirt's escaping, for an element or an attribute. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(NOT_XML, "")
    .replaceAll(/[&<>"'\t\n\r]/g, (char) => ENTITIES[char] ?? "");

/** For places without escaping: comments, processing instructions, CDATA. */
const bare = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(NOT_XML, "")
    .replaceAll(/[-<>&\]?\r]/g, "");

type Fill = (text: string) => string;

/** Content of the devices element. */
const DEVICES: readonly Fill[] = [
  (t) => `<graphics type='vnc' port='-1' passwd='${t}'/>`,
  (t) => `<graphics type='spice'><listen type='address' address='${t}'/></graphics>`,
  (t) => `<x:graphics xmlns:x='urn:x' type='${t}'/>`,
  (t) => `<graphics xmlns='urn:y'>${t}</graphics>`,
  () => "<video><model type='cirrus'/></video>",
  (t) => `<video><model type='qxl' ram='${t}'/><address type='pci' slot='0x02'/></video>`,
  () => "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>",
  (t) =>
    `<channel type='unix'><source path='${t}'/><target name='org.qemu.guest_agent.0'/></channel>`,
  () => "<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input>",
  (t) => `<filesystem><source dir='/srv/mir'/><target dir='${t}'/></filesystem>`,
  () =>
    "<filesystem type='mount' accessmode='mapped'><source dir='/srv/mir'/><target dir='share'/></filesystem>",
  () => "<controller type='usb' model='none'/>",
  () => "<controller type='virtio-serial' index='0'/>",
  () => "<audio id='1' type='spice'/>",
  (t) => `<disk><source file='${t}'/></disk>`,
  (t) => `<!--${bare(t)}-->`,
  (t) => `<?pi ${bare(t)}?>`,
  (t) => `<![CDATA[${bare(t)}]]>`,
  (t) => t,
  () => "<devices><graphics type='vnc'/></devices>",
];

const MARK = "<m:owner xmlns:m='urn:mirlab:1'><m:stack>a</m:stack><m:guest>b</m:guest></m:owner>";

/** Elements before the devices. */
const BEFORE: readonly Fill[] = [
  () => "",
  (t) => `<title>${t}</title><description>${t}</description>`,
  () => "<metadata/>",
  () => `<metadata>${MARK}</metadata>`,
  () => `<metadata>${MARK}${MARK}</metadata>`,
  (t) => `<metadata><app:n xmlns:app='urn:app' v='${t}'>${t}</app:n></metadata>`,
  (t) => `<metadata xmlns:mirlab='urn:other'><mirlab:owner>${t}</mirlab:owner></metadata>`,
  (t) => `<metadata><owner xmlns='urn:default'>${t}<stack/></owner></metadata>`,
  (t) => `<metadata><a:b xmlns:a='${t}x'/></metadata><metadata/>`,
  (t) => `<os><type>hvm</type></os><!--${bare(t)}-->`,
];

const ROOTS = [
  "<domain type='kvm'>",
  "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>",
  "<?xml version='1.0' encoding='UTF-8'?>\n<domain type='kvm' xmlns:mirlab='urn:mirlab:1'>",
];

/** A well-formed definition with hostile texts in all places where its owner may write text. */
export const filledDefinition: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...ROOTS),
    fc.constantFrom(...BEFORE),
    fc.array(fc.constantFrom(...DEVICES), { maxLength: 8 }),
    fc.array(hostile.map(escaped), { minLength: 10, maxLength: 10 }),
  )
  .map(([root, before, devices, texts]) => {
    const text = (i: number): string => texts[i] ?? "";
    const inner = devices.map((fill, i) => fill(text(i))).join("\n");
    return (
      `${root}<name>d</name><uuid>8f3ae44f-b412-4f07-8a3b-375b40c4a673</uuid>` +
      `${before(text(8))}<devices>${inner}</devices>` +
      `<seclabel type='none'/><!-- end --></domain>`
    );
  });

const PIECES = [
  ...["<domain type='kvm'>", "<domain>", "</domain>", "<domain/>", "<devices>", "</devices>"],
  ...["<devices/>", "<graphics type='vnc'/>", "<video>", "</video>", "<metadata>", "</metadata>"],
  ...["<name>d</name>", "<domain type='kvm'><devices/></domain>", "<!DOCTYPE domain>", "<a:b/>"],
  ...["<?xml version='1.0'?>", "<?xml version='1.1'?>", "<!--", "-->", "&amp;", "&#0;", "&e;", " "],
];

export const anyDefinition: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: near(PIECES) },
  // A complete one with a part removed or inserted.
  {
    weight: 2,
    arbitrary: fc
      .tuple(filledDefinition, fc.nat(900), fc.nat(12), hostile)
      .map(([whole, at, length, text]) => whole.slice(0, at) + text + whole.slice(at + length)),
  },
);
