import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DIGEST, EXISTING, faultsOf, URL_IMAGE } from "./labs";

describe("a fault", () => {
  const digestRule =
    "'sha256:<64 hex digits>' or 'sha512:<128 hex digits>', from the publisher's signed sums";
  const pathRule =
    "an absolute path of letters, digits, blanks and . _ @ + - , ( ) ' & = ~ (no trailing slash)";
  const nameRule = "lower-case letters, digits and inner hyphens, 1 to 32 characters";
  const shareFix = "share a folder made for it, e.g. /srv/mir";
  const table: [string, object, string[]][] = [
    ["unknown key, near", { vcpu: 2 }, ["guests[0].vcpu: unknown key; did you mean 'vcpus'?"]],
    [
      "unknown key, deep",
      { video: { ramKib: 1 } },
      ["guests[0].video.ramKib: unknown key; did you mean 'ramKiB'?"],
    ],
    [
      "unknown key, far",
      { spice: { colour: 1 } },
      [
        "guests[0].spice.colour: unknown key; known keys: port, listen, tls, clipboard, fileTransfer",
      ],
    ],
    [
      "key of another image",
      { image: { source: "debian", digest: DIGEST } },
      ["guests[0].image.digest: unknown key; known keys: source, suite, packages, apt"],
    ],
    [
      "unknown image",
      { image: { source: "cdrom" } },
      ["guests[0].image.source: need one of 'debian', 'ubuntu', 'url', 'iso', 'existing'"],
    ],
    [
      "unknown suite, near",
      { image: { source: "debian", suite: "trixy" } },
      [
        'guests[0].image.suite: found "trixy"; need one of "bookworm"|"trixie"|"forky"|"sid"; did you mean \'trixie\'?',
      ],
    ],
    [
      "a session that its suite has no packages for",
      { image: { source: "ubuntu" }, session: { kind: "lomiri" } },
      [
        "guests[0].session.kind: found 'lomiri' with image.suite 'resolute'; need a suite with it: bookworm, trixie, forky, sid",
      ],
    ],
    [
      "a platform, a renderer that the suite's Mir lacks",
      {
        image: { source: "debian", suite: "bookworm" },
        session: { platform: "atomic-kms", rendering: "egl-generic" },
      },
      [
        "guests[0].session.platform: found 'atomic-kms' with image.suite 'bookworm'; need a suite with it: trixie, forky, sid, resolute",
        "guests[0].session.rendering: found 'egl-generic' with image.suite 'bookworm'; need a suite with it: trixie, forky, sid, resolute",
      ],
    ],
    [
      "Mir's options beside a command",
      { session: { command: ["miral-shell"], cursor: "software" } },
      [
        "guests[0].session.cursor: found the key beside session.command; need one of them; fix: give the command Mir's option",
      ],
    ],
    [
      "a kind of session without its server",
      { session: { kind: "command", platform: "auto" } },
      [
        "guests[0].session.platform: found the key with session.kind 'command'; need kind 'demo' or 'miriway'; fix: remove the key, or change session.kind",
        "guests[0].session.command: missing; session.kind 'command' needs it",
      ],
    ],
    [
      "a shell that the suite does not have",
      { session: { kind: "miriway" } },
      [
        "guests[0].session.kind: found 'miriway' with image.suite 'trixie'; need a suite with it: forky, sid",
      ],
    ],
    [
      "Mir's options for Lomiri",
      { session: { kind: "lomiri", cursor: "software" } },
      [
        "guests[0].session.cursor: found the key with session.kind 'lomiri'; need kind 'demo' or 'miriway'; fix: remove the key, or change session.kind",
      ],
    ],
    [
      "image without a source",
      { image: {} },
      ["guests[0].image.source: need one of 'debian', 'ubuntu', 'url', 'iso', 'existing'"],
    ],
    ["wrong type", { memoryMiB: "2048" }, ['guests[0].memoryMiB: found "2048"; need a number']],
    ["a list for an object", { video: [] }, ["guests[0].video: found a list of 0; need an object"]],
    [
      "too little memory",
      { memoryMiB: 512 },
      ["guests[0].memoryMiB: found 512; need a number >=768"],
    ],
    ["a fraction", { vcpus: 1.5 }, ["guests[0].vcpus: found 1.5; need a whole number"]],
    [
      "unknown choice",
      { acceleration: "fast" },
      [`guests[0].acceleration: found "fast"; need one of "auto"|"kvm"|"tcg"`],
    ],
    ["bad name", { name: "Mir_1" }, [`guests[0].name: found "Mir_1"; need ${nameRule}`]],
    ["option-like name", { name: "-mir" }, [`guests[0].name: found "-mir"; need ${nameRule}`]],
    [
      "missing digest",
      { image: { source: "url", url: "https://a.example/x" } },
      ["guests[0].image.digest: missing; Digest of the file; another file is refused."],
    ],
    [
      "bad digest",
      { image: { ...URL_IMAGE, digest: "md5:0" } },
      [`guests[0].image.digest: found "md5:0"; need ${digestRule}`],
    ],
    [
      "plain http",
      { image: { ...URL_IMAGE, url: "http://a.example/x" } },
      [
        `guests[0].image.url: found "http://a.example/x": plain http is accepted from loopback only; fix: use https`,
      ],
    ],
    [
      "file URL",
      { image: { ...URL_IMAGE, url: "file:///etc/passwd" } },
      [`guests[0].image.url: found "file:///etc/passwd"; need an http or https URL`],
    ],
    [
      "system share",
      { share: { path: "/etc" } },
      [`guests[0].share.path: '/etc' is in the system folder /etc; fix: ${shareFix}`],
    ],
    [
      "relative share",
      { share: { path: "mir" } },
      [`guests[0].share.path: found "mir"; need ${pathRule}`],
    ],
    [
      "share path with dots",
      { share: { path: "/srv/../etc" } },
      [`guests[0].share.path: found "/srv/../etc"; need a path without '.' and '..'`],
    ],
    [
      "system mount",
      { share: { mount: "/usr" } },
      [`guests[0].share.mount: found "/usr"; need a path below /mnt, /media, /srv, /home or /opt`],
    ],
    [
      "low kernel gate",
      { gates: { kernel: ">= 3.17" } },
      [
        `guests[0].gates.kernel: '>= 3.17' is below the page's floor '>= 3.18'; fix: raise it or drop the key`,
      ],
    ],
    [
      "low Mesa gate",
      { gates: { mesa: "10.2" } },
      [
        `guests[0].gates.mesa: '>= 10.2' is below the page's floor '>= 10.3.0'; fix: raise it or drop the key`,
      ],
    ],
    [
      "malformed gate",
      { gates: { mesa: "new" } },
      [
        `guests[0].gates.mesa: 'new' is not a version requirement; fix: use '>= MAJOR.MINOR[.PATCH]', e.g. '>= 10.3.0'`,
      ],
    ],
    [
      "line end in a command",
      { session: { command: ["a\nb"] } },
      [`guests[0].session.command[0]: found "a\\nb"; need text without control characters`],
    ],
    [
      "empty command",
      { session: { command: [] } },
      ["guests[0].session.command: found a list of 0; need a list with >=1 items"],
    ],
    [
      "a server for another kind of session",
      { session: { kind: "lomiri", command: ["mir_demo_server"] } },
      [
        "guests[0].session.command: found the key with session.kind 'lomiri'; need kind 'demo' or 'command'; fix: remove the key, or change session.kind",
      ],
    ],
    [
      "a client for another kind of session, even an empty one",
      { session: { kind: "lomiri", client: [] } },
      [
        "guests[0].session.client: found the key with session.kind 'lomiri'; need kind 'demo' or 'miriway' or 'command'; fix: remove the key, or change session.kind",
      ],
    ],
    [
      "unknown kind of session",
      { session: { kind: "unity8" } },
      ['guests[0].session.kind: found "unity8"; need one of "demo"|"miriway"|"lomiri"|"command"'],
    ],
    [
      "less memory than Lomiri was tested with",
      { session: { kind: "lomiri" }, memoryMiB: 2047 },
      ["guests[0].memoryMiB: found 2047; need at least 2048 for session.kind 'lomiri'"],
    ],
    [
      "privileged port",
      { spice: { port: 80 } },
      ["guests[0].spice.port: found 80; need a number >=1024"],
    ],
    [
      "same port twice",
      { spice: { port: 6000 }, network: { sshPort: 6000 } },
      [
        "guests[0].network.sshPort: found port 6000, which guests[0].spice.port has too; need another one",
      ],
    ],
    [
      "TLS on the screen of an adopted domain",
      { image: EXISTING, spice: { tls: true } },
      [
        "guests[0].spice.tls: found true for an adopted guest; need a guest that the lab creates; fix: remove the key",
      ],
    ],
    [
      "an adopted domain that starts with the host",
      { image: EXISTING, autostart: true },
      [
        `guests[0].autostart: found true for an adopted guest; need a guest that the lab creates; fix: remove the key, and set it by 'virsh autostart ${EXISTING.domain}'`,
      ],
    ],
    [
      "TLS that is not a boolean",
      { spice: { tls: "yes" } },
      ['guests[0].spice.tls: found "yes"; need true or false'],
    ],
    [
      "an installer from nowhere, whose disk is larger than the guest's",
      { image: { source: "iso", digest: `sha256:${"a".repeat(64)}`, sizeGiB: 30 } },
      [
        "guests[0].image.url: found neither of url and file; need one of them",
        "guests[0].image.sizeGiB: found 30; need at most guests[].diskGiB (12)",
      ],
    ],
    [
      "outbound false in mode nat",
      { network: { mode: "nat", outbound: false } },
      [
        "guests[0].network.outbound: found false; need network.mode 'user' and a guest that the lab creates; fix: remove the key",
      ],
    ],
    [
      "outbound false for an adopted domain",
      { network: { outbound: false }, image: EXISTING },
      [
        "guests[0].network.outbound: found false; need network.mode 'user' and a guest that the lab creates; fix: remove the key",
      ],
    ],
    [
      "outbound false for a first boot that downloads packages",
      { network: { outbound: false }, image: URL_IMAGE },
      [
        "guests[0].network.outbound: found false with image.source 'url'; need the network for the packages of the first boot; fix: use image.source 'debian', or remove the key",
      ],
    ],
    [
      "a lone surrogate in a command",
      { session: { command: ["\ud800"] } },
      ['guests[0].session.command[0]: found "\\ud800"; need valid Unicode text'],
    ],
    [
      "a control character in an image's URL",
      { image: { ...URL_IMAGE, url: "https://a.example/\u001b[2J" } },
      ['guests[0].image.url: found "https://a.example/\\u001b[2J"; need an http or https URL'],
    ],
    [
      "video memory that libvirt rounds up, or refuses",
      { video: { ramKiB: 65537, vramKiB: 100000, vgamemKiB: 12000 } },
      [
        "guests[0].video.ramKiB: found 65537; need a power of two, as libvirt does: 131072",
        "guests[0].video.vramKiB: found 100000; need a power of two, as libvirt does: 131072",
        "guests[0].video.vgamemKiB: found 12000; need a power of two, as libvirt does: 16384",
      ],
    ],
    [
      "frame buffer over RAM",
      { video: { ramKiB: 16384, vgamemKiB: 32768 } },
      ["guests[0].video.vgamemKiB: found 32768; need at most video.ramKiB (16384)"],
    ],
    [
      "QXL's sizes for another model",
      { video: { model: "virtio", vramKiB: 131072 } },
      [
        "guests[0].video.vramKiB: found the key with video.model 'virtio'; need model 'qxl'; fix: remove the key",
      ],
    ],
    [
      "two outputs of a card that shows one",
      {
        video: {
          outputs: [
            { width: 1024, height: 768 },
            { width: 800, height: 600 },
          ],
        },
      },
      [
        "guests[0].video.outputs: found 2 with video.model 'qxl'; need at most 1: QEMU makes a picture of a QXL card's first output alone; fix: set video.model to 'virtio'",
      ],
    ],
    [
      "outputs of the card for a session that draws for none",
      {
        image: { source: "debian" },
        session: { platform: "virtual" },
        video: { outputs: [{ width: 1024, height: 768 }] },
      },
      [
        "guests[0].video.outputs: found the key with session.platform 'virtual'; need a platform with a screen: a virtual output is none of the card's; fix: remove the key",
      ],
    ],
    [
      "outputs for Lomiri",
      { session: { kind: "lomiri" }, video: { outputs: [{ width: 1024, height: 768 }] } },
      [
        "guests[0].video.outputs: found the key with session.kind 'lomiri'; need another kind: Lomiri has a layout of its own; fix: remove the key",
      ],
    ],
    [
      "an output without a usable mode",
      { video: { outputs: [{ width: 320, height: 768, scale: 0.3 }] } },
      [
        "guests[0].video.outputs[0].width: found 320; need a number >=640",
        "guests[0].video.outputs[0].scale: found 0.3; need a number >=0.5",
      ],
    ],
    [
      "a video model that the lab does not offer",
      { video: { model: "cirus" } },
      ['guests[0].video.model: found "cirus"; need one of "qxl"|"virtio"|"bochs"'],
    ],
  ];
  for (const [what, guest, expected] of table) {
    it(`of a guest: ${what}`, () => {
      const found = faultsOf(guest);
      // One wrong value may break several rules; the expected fault has to be there word for word.
      for (const line of expected)
        assert.ok(found.includes(line), `${line}\nnot in\n${found.join("\n")}`);
    });
  }

  it("refuses a screen that others could reach in clear text", () => {
    for (const listen of ["0.0.0.0", "192.0.2.1", "::", "2001:db8::1"]) {
      assert.deepEqual(faultsOf({ spice: { listen } }), [
        `guests[0].spice.listen: found "${listen}" without spice.tls; need loopback or TLS; fix: set spice.tls to true, or listen on 127.0.0.1 and tunnel ('ssh -L')`,
      ]);
      assert.deepEqual(faultsOf({ spice: { listen, tls: true } }), []);
    }
  });

  it("accepts only an address of the host for a screen", () => {
    for (const listen of ["127.0.0.1", "127.8.9.10", "::1"]) {
      assert.deepEqual(faultsOf({ spice: { listen } }), []);
      assert.deepEqual(faultsOf({ spice: { listen, tls: true } }), []);
    }
    for (const listen of ["everywhere", "", "fe80::1%eth0", "127.0.0.1 ", "localhost", "[::1]"]) {
      const rule = "an address of the host, e.g. '127.0.0.1'";
      assert.deepEqual(faultsOf({ spice: { listen, tls: true } }), [
        `guests[0].spice.listen: found ${JSON.stringify(listen)}; need ${rule}`,
      ]);
    }
  });

  it("accepts outbound false for a guest from signed packages", () => {
    assert.deepEqual(faultsOf({ network: { outbound: false } }), []);
    assert.deepEqual(faultsOf({ network: { outbound: false, sshPort: 22022 } }), []);
  });

  it("never shows the content of an object, which may be a secret", () => {
    const [fault] = faultsOf({ memoryMiB: { password: "hunter2" } });
    assert.equal(fault, "guests[0].memoryMiB: found an object; need a number");
  });
});
