/** Checks of the declared card, its outputs and pointer, and the CPU. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Wanted } from "../../../../../components/readiness/checks/check";
import { GuestFacts } from "../../../../../components/guest/facts";
import { verdictText } from "../../../../../core/verdict";
import { card, verdict } from "./judged";

describe("the remedy for a card without its driver", () => {
  it("names Ubuntu's package of the QXL module, and Debian's kernel", () => {
    const text = verdictText(verdict("drm", card({ driver: null })));
    assert.match(text, /Debian: linux-image-amd64/);
    assert.match(text, /Ubuntu: install linux-modules-extra-\$\(uname -r\)/);
  });
});

describe("the declared outputs", () => {
  const two = { outputs: ["1024x768", "800x600"] };
  it("are each connected", () => {
    assert.equal(
      verdictText(verdict("display", {}, two)),
      "display: found Virtual-1 with 35 modes, 4 crtcs; need 2 connected connectors with a mode, and as many crtcs; fix: give the domain's video at least one head, and plug in what 'lab output' has unplugged; 'cat /sys/class/drm/*/status' in the guest shows the connectors",
    );
    const lit = ["Virtual-1", "Virtual-2"].map((name) => ({ name, status: "connected", modes: 9 }));
    assert.equal(verdict("display", card({ connectors: lit }), two).status, "met");
  });
});

describe("the declared card", () => {
  const virtio = card({ driver: "virtio-pci", pciId: "1af4:1050" });
  it("is met by its own driver alone", () => {
    assert.equal(verdict("drm", virtio, { video: "virtio" }).status, "met");
    assert.equal(
      verdictText(verdict("drm", {}, { video: "virtio" })),
      "drm: found qxl on 1b36:0100; need virtio_gpu bound to a card 1af4:1050 in /dev/dri; fix: make the domain's video virtio again: 'preview' reports the edit, and 'up' repairs it unless guests[].onDrift is 'report'",
    );
    assert.match(
      verdictText(verdict("drm", card({ driver: null, pciId: "1234:1111" }), { video: "bochs" })),
      /need bochs bound to a card 1234:1111 in \/dev\/dri; fix: boot a kernel with CONFIG_DRM_BOCHS /,
    );
  });
  it("needs QXL in the kernel only where it is QXL", () => {
    const none = { kernelConfig: { DRM_QXL: "n", NET_9P_VIRTIO: "m" } };
    const { status, found } = verdict("kernel-qxl", { ...virtio, ...none }, { video: "virtio" });
    assert.deepEqual([status, found], ["skipped", "the card is declared as virtio"]);
  });
});

describe("the pointer", () => {
  const of = (cursor: GuestFacts["cursor"], wanted: Partial<Wanted> = {}) => {
    const { status, found } = verdict("pointer", { cursor }, wanted);
    return `${status}: ${found}`;
  };

  it("is the viewer's, or in the picture", () => {
    assert.match(of("hardware"), /^met: .*no picture has it$/);
    assert.match(of("software"), /^met: .*the picture has it$/);
    assert.match(of(null), /^skipped: /);
  });

  it("has to be in the picture where a software cursor is declared", () => {
    const cursor = "software";
    assert.match(of("software", { cursor }), /^met: /);
    assert.match(of("hardware", { cursor }), /^unmet: .*no picture has it$/);
    assert.match(of(null, { cursor }), /^unmet: /);
  });
});

describe("the CPU", () => {
  const of = (avx: boolean | null, acceleration?: "kvm" | "tcg") =>
    verdict("cpu", { avx }, acceleration === undefined ? {} : { acceleration }).status;

  it("may have AVX where it is not emulated", () => {
    assert.deepEqual([of(true, "kvm"), of(true)], ["skipped", "skipped"]);
    assert.deepEqual(
      [of(true, "tcg"), of(false, "tcg"), of(null, "tcg")],
      ["unmet", "met", "skipped"],
    );
  });
});

describe("a session that draws for no screen", () => {
  it("has Mir's virtual platform, and a KMS one is not it", () => {
    const onVirtual = { platform: "virtual" } as const;
    const of = (mirPlatform: string) => verdict("platform", { mirPlatform }, onVirtual).status;
    assert.equal(of("mir:virtual (version 2.20)"), "met");
    assert.equal(of("mir:gbm-kms (version 2.20)"), "unmet");
    assert.equal(
      verdict("platform", { mirPlatform: "mir:virtual (version 2.20)" }).status,
      "unmet",
    );
  });
});
