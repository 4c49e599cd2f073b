import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  adopt,
  AdoptContract,
  differences,
  domainFacts,
  ownerOf,
  refusal,
  release,
  sameMeaning,
} from "../../../../../components/domain/adopt/adoption";
import { fixture } from "../../../support";

const VNC = fixture("dumpxml-vnc-cirrus.libvirt-9.0.0.xml");
const INACTIVE = fixture("dumpxml-inactive.libvirt-9.0.0.xml");
const LIVE = fixture("dumpxml-live.libvirt-9.0.0.xml");

const CONTRACT: AdoptContract = {
  stack: "dev",
  guest: "mir",
  spice: { port: 22001, clipboard: false, fileTransfer: false },
  video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
  shareTag: "share",
  share: { path: "/srv/mir", readonly: false },
};
const { share: _share, ...NO_SHARE } = CONTRACT;

/** A definition with these devices and this metadata. */
const domain = (devices: string, rest = ""): string =>
  `<domain type='kvm'><name>d</name><uuid>8f3ae44f-b412-4f07-8a3b-375b40c4a673</uuid>${rest}` +
  `<devices>${devices}</devices></domain>`;

const OURS =
  "<graphics type='spice' port='22001' autoport='no' listen='127.0.0.1'>" +
  "<listen type='address' address='127.0.0.1'/><image compression='off'/>" +
  "<clipboard copypaste='no'/><filetransfer enable='no'/></graphics>" +
  "<video><model type='qxl' ram='65536' vram='65536' vgamem='16384' heads='1' primary='yes'/>" +
  "<address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/></video>" +
  "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>" +
  "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>" +
  "<input type='tablet' bus='usb'/>";
const SHARE =
  "<filesystem type='mount' accessmode='mapped'><source dir='/srv/mir'/><target dir='share'/></filesystem>";

const count = (text: string, needle: RegExp): number => [...text.matchAll(needle)].length;

describe("adopt", () => {
  it("gives a VNC and Cirrus domain the page's hardware", () => {
    const found = ["graphics", "video", "spice channel", "agent channel", "tablet", "share"];
    assert.deepEqual(differences(VNC, CONTRACT, VNC), found);
    const edited = adopt(VNC, CONTRACT, VNC);
    assert.deepEqual(differences(edited, CONTRACT, VNC), []);
    assert.deepEqual(ownerOf(edited), { stack: "dev", guest: "mir", adopted: true });
    assert.equal(count(edited, /<graphics /g), 1);
    assert.match(edited, /<graphics type="spice" port="22001" autoport="no" listen="127.0.0.1">/);
    assert.equal(count(edited, /<video>/g), 1);
    assert.doesNotMatch(edited, /vnc|cirrus|example/);
    assert.equal(count(edited, /<channel /g), 2);
    assert.equal(count(edited, /<target dir="share"\/>/g), 1);
  });

  for (const [name, text] of [
    ["vnc", VNC],
    ["spice", INACTIVE],
  ] as const) {
    it(`keeps everything else of the ${name} domain`, () => {
      const edited = adopt(text, NO_SHARE, text);
      // Both without the parts that the contract governs, and without the mark.
      const bare = (xml: string): string =>
        xml
          .replace(/<mirlab:owner[\s\S]*<\/mirlab:owner>/, "")
          .replace(/<input [^>]*tablet[^>]*(\/>|>[\s\S]*?<\/input>)/g, "")
          .replace(/<(graphics|video|channel)[ >][\s\S]*?<\/\1>/g, "")
          .replace(/<metadata>\s*<\/metadata>/, "");
      assert.ok(sameMeaning(bare(edited), bare(text)));
    });
  }

  it("has the same result when done twice", () => {
    const once = adopt(VNC, CONTRACT, VNC);
    assert.equal(adopt(once, CONTRACT, VNC), once);
  });

  const table: { what: string; devices: string; contract?: AdoptContract; drift: string[] }[] = [
    { what: "finds nothing in a domain as declared", devices: OURS + SHARE, drift: [] },
    { what: "finds a missing share", devices: OURS, drift: ["share"] },
    { what: "needs no share if none is declared", devices: OURS, contract: NO_SHARE, drift: [] },
    {
      what: "finds an undeclared share",
      devices: OURS + SHARE,
      contract: NO_SHARE,
      drift: ["share"],
    },
    {
      what: "leaves other filesystems alone",
      devices: `${OURS}${SHARE}<filesystem type='mount'><source dir='/x'/><target dir='own'/></filesystem>`,
      drift: [],
    },
    {
      what: "finds a second display",
      devices: `${OURS}${SHARE}<graphics type='vnc'/>`,
      drift: ["graphics"],
    },
    {
      what: "finds SPICE on every address",
      devices: OURS.replaceAll("127.0.0.1", "0.0.0.0") + SHARE,
      drift: ["graphics"],
    },
    {
      what: "finds a SPICE password",
      devices: OURS.replace("port=", "passwd='x' port=") + SHARE,
      drift: ["graphics"],
    },
    {
      what: "finds a different port",
      devices: OURS.replace("22001", "5900") + SHARE,
      drift: ["graphics"],
    },
    {
      what: "finds OpenGL on the display",
      devices: OURS.replace("<image ", "<gl enable='yes'/><image ") + SHARE,
      drift: ["graphics"],
    },
    {
      what: "finds a different video model",
      devices: OURS.replace("qxl", "virtio") + SHARE,
      drift: ["video"],
    },
    {
      what: "finds a different video memory",
      devices: OURS.replace("vgamem='16384'", "vgamem='8192'") + SHARE,
      drift: ["video"],
    },
    {
      what: "finds a second video device",
      devices: `${OURS}${SHARE}<video><model type='virtio'/></video>`,
      drift: ["video"],
    },
    {
      what: "finds the VNC clipboard on SPICE's channel",
      devices: OURS.replace("'spicevmc'", "'qemu-vdagent'") + SHARE,
      drift: ["spice channel"],
    },
    {
      what: "finds a missing tablet",
      devices: OURS.replace(/<input.*/, "") + SHARE,
      drift: ["tablet"],
    },
    {
      what: "finds a read-only share",
      devices: OURS + SHARE.replace("<source", "<readonly/><source"),
      drift: ["share"],
    },
  ];
  for (const { what, devices, contract = CONTRACT, drift } of table) {
    it(what, () => {
      const original = domain("");
      assert.deepEqual(differences(domain(devices), contract, original), drift);
      const healed = adopt(domain(devices), contract, original);
      assert.deepEqual(differences(healed, contract, original), []);
    });
  }

  it("keeps the owner's share with the tag if the lab declares none", () => {
    const own = domain(OURS + SHARE);
    assert.deepEqual(differences(own, NO_SHARE, own), []);
    assert.match(adopt(own, NO_SHARE, own), /<target dir="share"\/>/);
  });

  it("refuses to remove the owner's share with the tag", () => {
    const own = domain(SHARE.replace("/srv/mir", "/home/ann"));
    assert.equal(
      refusal(own, CONTRACT),
      "found its own filesystem with the tag 'share' (/home/ann); need this tag for /srv/mir; " +
        "fix: rename the tag of the domain's own filesystem, or set guests[].share.enabled to false",
    );
    assert.equal(refusal(domain(SHARE), CONTRACT), undefined);
    assert.equal(refusal(own, NO_SHARE), undefined);
  });

  it("puts the tablet on virtio if the domain has no USB", () => {
    const text = domain("<controller type='usb' model='none'/>");
    assert.match(adopt(text, NO_SHARE, text), /<input type="tablet" bus="virtio"\/>/);
  });

  it("compares a running domain with the contract", () => {
    const contract: AdoptContract = {
      ...CONTRACT,
      share: { path: "/var/lib/libvirt/mirlab-h3/share", readonly: false },
    };
    // Only the SPICE port differs, which libvirt chose.
    assert.deepEqual(differences(LIVE, contract, INACTIVE), ["graphics"]);
    assert.deepEqual(differences(INACTIVE, contract, INACTIVE), ["graphics"]);
  });

  it("keeps every character of the owner's texts", () => {
    const odd = "a&#13;b&#9;c\u0085d\u2028e";
    const text = domain("", `<title>${odd}</title><metadata><n v='${odd}'/></metadata>`);
    const edited = adopt(text, NO_SHARE, text);
    assert.equal(count(edited, /a&#13;b(\t|&#9;)c\u0085d\u2028e/g), 2);
    assert.equal(release(edited, text, "share"), text);
    const changed = release(edited.replace("<name>d", "<name>e"), text, "share");
    assert.equal(count(changed, /a&#13;b(\t|&#9;)c\u0085d\u2028e/g), 2);
  });

  it("keeps other metadata, and replaces an old mark", () => {
    const other = "<app:note xmlns:app='urn:app'>a &lt; b</app:note>";
    const text = domain("", `<metadata>${other}</metadata>`);
    const edited = adopt(adopt(text, NO_SHARE, text), { ...NO_SHARE, guest: "two" }, text);
    assert.match(edited, /<app:note xmlns:app="urn:app">a &lt; b<\/app:note>/);
    assert.equal(count(edited, /<mirlab:owner /g), 1);
    assert.deepEqual(ownerOf(edited), { stack: "dev", guest: "two", adopted: true });
  });
});

describe("ownerOf", () => {
  it("distinguishes a created and an adopted domain, whatever the prefix", () => {
    const mark =
      "<metadata><m:owner xmlns:m='urn:mirlab:1'><m:stack>a</m:stack><m:guest>b</m:guest></m:owner></metadata>";
    assert.deepEqual(ownerOf(domain("", mark)), { stack: "a", guest: "b", adopted: false });
    assert.equal(ownerOf(VNC), undefined);
  });
});

describe("release", () => {
  it("returns the exact original if nothing else changed", () => {
    assert.equal(release(adopt(VNC, CONTRACT, VNC), VNC, "share"), VNC);
  });

  it("ignores libvirt's own additions", () => {
    const added =
      "<controller type='virtio-serial' index='0'/><controller type='pci' index='9' model='pcie-root-port'/>" +
      "<audio id='1' type='spice'/></devices>";
    assert.equal(
      release(adopt(VNC, CONTRACT, VNC).replace("</devices>", added), VNC, "share"),
      VNC,
    );
  });

  it("ignores that libvirt shares a device's slot with a controller that it adds", () => {
    const address = (rest: string): string =>
      `<address type='pci' domain='0x0000' bus='0x00' slot='0x01' ${rest}/>`;
    const port = (index: number, rest: string): string =>
      `<controller type='pci' index='${index}' model='pcie-root-port'>${address(rest)}</controller>`;
    const before = domain(port(1, "function='0x0'"));
    const shared = port(1, "function='0x0' multifunction='on'");
    const adopted = adopt(domain(`${shared}${port(2, "function='0x1'")}`), NO_SHARE, before);
    assert.equal(release(adopted, before, "share"), before);
    // Without such a controller it is the owner's own change.
    const owners = adopt(domain(shared), NO_SHARE, before);
    assert.match(release(owners, before, "share"), /multifunction="on"/);
    // And what was shared before stays so.
    const always = domain(shared);
    assert.equal(release(adopt(always, NO_SHARE, always), always, "share"), always);
  });

  it("keeps the owner's later changes, and undoes our edits", () => {
    const edited = adopt(VNC, CONTRACT, VNC)
      .replace(/>524288<\/memory>/, ">1048576</memory>")
      .replace("</devices>", "<watchdog model='itco'/></devices>");
    const back = release(edited, VNC, "share");
    assert.notEqual(back, VNC);
    assert.match(back, />1048576<\/memory>/);
    assert.match(back, /<watchdog model="itco"\/>/);
    assert.match(
      back,
      /<graphics type="vnc" port="-1" autoport="yes" listen="127.0.0.1" passwd="example">/,
    );
    assert.match(back, /<model type="cirrus"/);
    assert.doesNotMatch(back, /spice|qxl|mirlab|guest_agent|tablet|filesystem/);
    assert.match(back, /libosinfo/);
  });

  it("keeps agent, tablet and share from before the adoption", () => {
    const before = domain(
      `<graphics type='vnc'/>${OURS.slice(OURS.indexOf("<channel type='unix'"))}${SHARE}`,
    );
    const edited = adopt(before, CONTRACT, before).replace(
      "<devices>",
      "<devices><watchdog model='itco'/>",
    );
    const back = release(edited, before, "share");
    assert.ok(sameMeaning(back.replace('<watchdog model="itco"/>', ""), before));
  });

  it("drops a device's address that another device has taken since", () => {
    const slot = "slot='0x02'";
    const address = `<address type='pci' ${slot}/>`;
    const before = domain(`<video><model type='cirrus'/>${address}</video>`);
    const edited = adopt(before, NO_SHARE, before).replace(
      "<devices>",
      `<devices><interface type='user'>${address}</interface>`,
    );
    const back = release(edited, before, "share");
    assert.equal(count(back, /slot="0x02"/g), 1);
    assert.match(back, /<video><model type="cirrus"\/><\/video>/);
  });

  it("removes metadata that has only our mark", () => {
    const before = domain("<graphics type='vnc'/>");
    const back = release(
      adopt(before, NO_SHARE, before).replace("<name>d", "<title>t</title><name>d"),
      before,
      "share",
    );
    assert.doesNotMatch(back, /metadata/);
    assert.match(back, /<title>t<\/title>/);
  });
});

describe("a malformed definition", () => {
  const table: [string, string, RegExp][] = [
    ["an entity bomb", "<!DOCTYPE d [<!ENTITY a 'b'>]><domain/>", /document type is refused/],
    ["a cut off text", VNC.slice(0, 700), /malformed XML/],
    ["a network", "<network/>", /domain definition: found <network>; need <domain>$/],
    ["a domain without devices", "<domain/>", /domain definition: found no <devices>; need it$/],
  ];
  for (const [what, text, message] of table) {
    it(`is refused: ${what}`, () => assert.throws(() => adopt(text, CONTRACT, VNC), message));
  }
  it("reads name, UUID and type", () => {
    assert.deepEqual(domainFacts(VNC), {
      name: "desk",
      uuid: domainFacts(VNC).uuid,
      type: "qemu",
    });
    assert.match(domainFacts(VNC).uuid, /^[0-9a-f-]{36}$/);
  });
});
