import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kvmTriggers, recordedLab, StateResource } from "../../../../components/lab/recorded";
import { fixture } from "../../support";

const STATE = (
  JSON.parse(fixture("state-before-rooms.json")) as {
    type: string;
    name: string;
    outputs: unknown;
  }[]
).map(({ type, name, outputs }): StateResource => ({
  urn: `urn:pulumi:renamed::mirlab::${type}::${name}`,
  type,
  outputs,
}));
const IMAGE =
  "/var/cache/mirlab/images/8ea211e7afa6aad32d295f28525beab1a48044eca134393d89d7b5e1c6890bd0.qcow2";

describe("what a state says of its lab", () => {
  it("is empty before the first up", () => {
    assert.deepEqual(recordedLab([]), {
      ...{ name: undefined, poolPath: undefined, disks: new Map(), accelerations: new Map() },
    });
  });

  it("is the lab's own name, whatever the stack is called now, its pool and its disks", () => {
    const { name, poolPath, disks } = recordedLab(STATE);
    assert.deepEqual([name, poolPath], ["before", "/var/lib/mirlab/before/pool"]);
    assert.deepEqual(
      [...disks],
      [
        [
          "mir",
          {
            volume: "mir-vm-8ea211e7afa6.qcow2",
            image: { path: IMAGE, format: "qcow2" },
            booted: true,
          },
        ],
      ],
    );
  });

  it("is the answer of KVM's probe, and what it was asked with", () => {
    assert.deepEqual(
      [...recordedLab(STATE).accelerations],
      [["mir", { acceleration: "tcg", triggers: undefined }]],
    );
    const of = (stdout: string, rest: object = {}): StateResource => ({
      urn: "urn:pulumi:a::b::c::two-acceleration",
      type: "command:local:Command",
      outputs: { stdout, ...rest },
    });
    const asked = of('{"acceleration":"kvm","reason":"x"}', { triggers: ["kvm"] });
    assert.deepEqual(
      [...recordedLab([asked]).accelerations.values()],
      [{ acceleration: "kvm", triggers: ["kvm"] }],
    );
    for (const text of ["", "no JSON", "null", '{"acceleration":"hvf"}'])
      assert.equal(recordedLab([of(text)]).accelerations.size, 0, text);
  });

  it("makes the probe run again only where the host answers otherwise now", () => {
    const tcg = { acceleration: "tcg", triggers: undefined } as const;
    assert.equal(kvmTriggers(undefined, "kvm"), undefined);
    assert.equal(kvmTriggers(tcg, undefined), undefined);
    assert.equal(kvmTriggers(tcg, "tcg"), undefined);
    assert.deepEqual(kvmTriggers(tcg, "kvm"), ["kvm"]);
    const kvm = { acceleration: "kvm", triggers: ["kvm"] } as const;
    assert.deepEqual(kvmTriggers(kvm, "kvm"), ["kvm"]);
    assert.deepEqual(kvmTriggers(kvm, "tcg"), ["kvm", "tcg"]);
  });

  it("takes a disk for booted once the guest's domain was made", () => {
    const { disks } = recordedLab(STATE.filter(({ urn }) => !urn.endsWith("::mir-vm-domain")));
    assert.equal(disks.get("mir")?.booted, false);
  });

  it("reads the digest of an image by URL from its name", () => {
    const other = "/var/cache/a&amp;b/images/sha512-00ff.raw";
    const resources = JSON.parse(JSON.stringify(STATE).replaceAll(IMAGE, other)) as StateResource[];
    assert.deepEqual(recordedLab(resources).disks.get("mir")?.image, {
      path: "/var/cache/a&b/images/sha512-00ff.raw",
      format: "qcow2",
      digest: "sha512:00ff",
    });
  });

  it("leaves out what is not of this program", () => {
    const of = (type: string, name: string, outputs: unknown): StateResource => ({
      ...{ urn: `urn:pulumi:a::b::${type}::${name}`, type, outputs },
    });
    const { name, disks } = recordedLab([
      of("libvirt:index/pool:Pool", "mine", { name: "mirlab-x" }),
      of("libvirt:index/pool:Pool", "host-pool", { name: "other" }),
      of("libvirt:index/volume:Volume", "data", { name: "data", xml: { xslt: "<a/>" } }),
      of("libvirt:index/volume:Volume", "mir-vm-disk", { name: "mir", xml: { xslt: "<a/>" } }),
      of("libvirt:index/volume:Volume", "b-vm-disk", null),
    ]);
    assert.deepEqual([name, disks.size], [undefined, 0]);
  });
});
