import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noClipboardOrFileTransfer } from "../../policies/noClipboardOrFileTransfer";
import { qxlVideo } from "../../policies/qxlVideo";
import { spiceNotExposed } from "../../policies/spiceNotExposed";
import { spiceOnly } from "../../policies/spiceOnly";
import { Case, testsOf, xslt } from "./domains";
import { beside, Given, lab, said, sheet, SPEC, UNKNOWN } from "./support";

const spice = (change: object): Given => lab({ spice: { ...SPEC.spice, ...change } });
const OPEN =
  '<graphics type="spice" defaultMode="secure" passwd="x"><listen type="address" address="192.0.2.1"/>';

const CASES: readonly Case[] = [
  {
    policy: spiceOnly,
    wrong: [
      [
        "VNC",
        beside({ graphics: { type: "vnc" } }),
        [
          "domain 'web': found a display of type 'vnc'; need SPICE only; fix: set graphics.type to spice, or remove that graphics device",
        ],
      ],
      [
        "VNC that a stylesheet adds",
        beside(xslt('<graphics type="vnc" port="-1"/>')),
        [
          "domain 'web': found a display of type 'vnc'; need SPICE only; fix: set graphics.type to spice, or remove that graphics device",
        ],
      ],
    ],
    right: [
      ["no declared display, which the provider makes SPICE", beside({ graphics: undefined })],
    ],
    unknown: [beside({ graphics: { type: UNKNOWN } }), /graphics\.type/],
  },
  {
    policy: qxlVideo,
    wrong: [
      [
        "another model",
        beside({ video: { type: "virtio" } }),
        [
          "domain 'web': found the video model 'virtio'; need QXL video; fix: set the model to qxl, or list it with the reason in otherModels of this policy",
        ],
      ],
      [
        "none, which the provider makes cirrus",
        beside({ video: undefined }),
        ["domain 'web': found no video device; need QXL video; fix: set video.type to qxl"],
      ],
      [
        "too little memory",
        lab({ video: { ramKiB: 8192, vramKiB: 4096, vgamemKiB: 16384 } }),
        [
          "domain 'mir': found 8192 KiB of ramKiB; need at least 16384 KiB; fix: raise ramKiB",
          "domain 'mir': found 4096 KiB of vramKiB; need at least 8192 KiB; fix: raise vramKiB",
        ],
      ],
    ],
    override: [{ otherModels: { virtio: "needs 3D" } }, beside({ video: { type: "virtio" } }), []],
    unknown: [lab({ video: { ...SPEC.video, ramKiB: UNKNOWN } }), /spec\.video\.ramKiB/],
  },
  {
    policy: spiceNotExposed,
    wrong: [
      [
        "an open address",
        beside({ graphics: { type: "spice", listenType: "address", listenAddress: "0.0.0.0" } }),
        [
          "screen of 'web': found it on 0.0.0.0 without TLS only (defaultMode='secure', no port), without a ticket (passwd), without its name in clientVerified of this policy; need a screen that is closed to others; fix: listen on 127.0.0.1 or a socket, or add what is missing",
        ],
      ],
      [
        "an address that the host chooses",
        beside(xslt('<graphics type="spice"/>')),
        [
          "screen of 'web': found it on the host's default address without TLS only (defaultMode='secure', no port), without a ticket (passwd), without its name in clientVerified of this policy; need a screen that is closed to others; fix: listen on 127.0.0.1 or a socket, or add what is missing",
        ],
      ],
      [
        "TLS and a ticket, but no entry in clientVerified",
        beside(xslt(`${OPEN}</graphics>`)),
        [
          "screen of 'web': found it on 192.0.2.1 without its name in clientVerified of this policy; need a screen that is closed to others; fix: listen on 127.0.0.1 or a socket, or add what is missing",
        ],
      ],
    ],
    right: [
      ["a socket", beside({ graphics: { type: "spice", listenType: "socket" } })],
      [
        "no address, which the provider makes loopback",
        beside({ graphics: { listenType: "address" } }),
      ],
    ],
    override: [{ clientVerified: ["web"] }, beside(xslt(`${OPEN}</graphics>`)), []],
    unknown: [
      beside({ graphics: { listenType: "address", listenAddress: UNKNOWN } }),
      /listenAddress/,
    ],
  },
  {
    policy: noClipboardOrFileTransfer,
    wrong: [
      [
        "both on",
        spice({ clipboard: true, fileTransfer: true }),
        [
          "guest 'mir': found SPICE's clipboard on; need it off; fix: set guests[].spice.clipboard to false, or list 'mir' in clipboard of this policy",
          "guest 'mir': found SPICE's fileTransfer on; need it off; fix: set guests[].spice.fileTransfer to false, or list 'mir' in fileTransfer of this policy",
        ],
      ],
      [
        "the clipboard left to libvirt, which enables it",
        beside({ xml: { xslt: sheet('<filetransfer enable="no"/>') } }),
        [
          "guest 'web': found SPICE's clipboard on; need it off; fix: set guests[].spice.clipboard to false, or list 'web' in clipboard of this policy",
        ],
      ],
    ],
    override: [{ clipboard: ["mir"] }, spice({ clipboard: true }), []],
    unknown: [spice({ clipboard: UNKNOWN }), /spec\.spice\.clipboard/],
  },
];

describe("policies of a domain's screen", () => {
  for (const each of CASES) {
    describe(each.policy.name, () => {
      for (const [claim, test] of testsOf(each)) it(claim, test);
    });
  }

  it("judge the display before ports and disks are known", async () => {
    const early = lab({
      ...{ type: UNKNOWN, disk: UNKNOWN, seed: UNKNOWN },
      spice: { port: UNKNOWN, clipboard: true, fileTransfer: false },
    });
    assert.equal((await said(noClipboardOrFileTransfer, early)).length, 1);
    assert.deepEqual(await said(spiceOnly, early), []);
    assert.deepEqual(await said(qxlVideo, early), []);
  });
});
