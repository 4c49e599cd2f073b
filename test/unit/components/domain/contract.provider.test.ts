import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DomainContractProps, provider } from "../../../../components/domain/contract.provider";
import { DomainSpec, domainXml } from "../../../../components/domain/definition";
import {
  file,
  UUID,
  SPEC,
  INPUTS,
  verbs,
  edit,
  created,
  read,
  updated,
  changes,
  programs,
} from "./oneDomain";

describe("DomainContract, created", () => {
  it("defines the domain, starts it, and finds it as declared", async () => {
    const { outs } = await provider.create(INPUTS);
    const props = outs as DomainContractProps;
    assert.deepEqual(verbs(), ["define", "start"]);
    assert.deepEqual([props.bootId, props.pending, props.drift], [`${UUID}#1`, "", []]);
    assert.equal(await changes(props), false);
  });

  it("takes over this lab's domain that the state has lost, without a restart", async () => {
    const props = await created();
    const again = (await provider.create(INPUTS)).outs as DomainContractProps;
    assert.deepEqual(verbs(), ["define"]);
    assert.equal(again.uuid, props.uuid);
    assert.equal(await changes(again), false);
  });

  for (const [whose, mark, found] of [
    ["a stranger's", "", "found a domain of this name without a lab's mark; need the name free"],
    [
      "another guest's",
      "<mirlab:owner><mirlab:stack>dev</mirlab:stack><mirlab:guest>other</mirlab:guest></mirlab:owner>",
      "found a domain of this name created by guest 'other' of stack 'dev'; need the name free",
    ],
  ] as const) {
    it(`refuses ${whose} domain of that name, and touches nothing`, async () => {
      const own = /<mirlab:owner>.*<\/mirlab:owner>/;
      writeFileSync(file("persistent"), domainXml(SPEC).replace(own, mark));
      writeFileSync(file("state"), "shut off (unknown)");
      await assert.rejects(provider.create(INPUTS), (error: Error & { id?: string }) => {
        assert.ok(error.message.includes(found), error.message);
        assert.match(
          error.message,
          /; fix: rename it \(virsh domrename .* NEW\).*source: existing/,
        );
        assert.equal(error.id, undefined, "the domain does not get into the state");
        return true;
      });
      assert.deepEqual(verbs(), []);
    });
  }

  it("keeps a defined domain in the state when it does not start", async () => {
    writeFileSync(file("broken"), "");
    await assert.rejects(
      provider.create(INPUTS),
      (error: Error & { id?: string; reasons?: string[]; properties?: DomainContractProps }) => {
        assert.equal(error.id, UUID);
        assert.match(error.reasons?.[0] ?? "", /virsh start: error: no start/);
        assert.deepEqual(error.properties?.drift, error.reasons);
        return true;
      },
    );
  });

  it("fails when libvirt drops a part of the definition", async () => {
    programs.set("sed", `exec /usr/bin/sed "$@" | /usr/bin/sed 's/vgamem="16384"/vgamem="8192"/'`);
    try {
      await assert.rejects(provider.create(INPUTS), (error: Error & { reasons?: string[] }) => {
        assert.match(
          error.reasons?.[0] ?? "",
          /found differences after the define \(video\/model\.vgamem: declared 16384, found 8192\); need the declared values; fix: stop what/,
        );
        return true;
      });
    } finally {
      rmSync(file("sed"));
    }
  });
});

describe("DomainContract, read", () => {
  it("finds no drift in a domain as created, and writes nothing", async () => {
    const props = await created();
    assert.deepEqual(await read(props), props);
    assert.deepEqual(verbs(), []);
  });

  it("reports an edit of the definition in words", async () => {
    const props = await created();
    edit("persistent", 'type="qxl"', 'type="cirrus"');
    const seen = await read(props);
    assert.deepEqual(seen.drift, [
      "video/model.type: declared qxl, persistent cirrus, live qxl; healed in the definition alone",
    ]);
    assert.equal(await changes(seen), true);
  });

  it("reports a missing domain as deleted, and a missing answer as an error", async () => {
    const props = await created();
    rmSync(file("persistent"));
    assert.deepEqual(await provider.read?.(UUID, props), {});
    writeFileSync(file("down"), "");
    await assert.rejects(
      async () => provider.read?.(UUID, props),
      /found no answer from libvirt \(.*Failed to connect.*\); need one; fix: start libvirt/,
    );
  });
});

describe("DomainContract, updated", () => {
  it("repairs only the definition, saves the overwritten one, and leaves the guest running", async () => {
    const props = await created();
    edit("persistent", 'type="qxl"', 'type="cirrus"');
    const healed = await updated(await read(props));
    assert.deepEqual(verbs(), ["define"]);
    assert.equal(healed.bootId, props.bootId);
    assert.deepEqual((await read(healed)).drift, []);
    const kept = readdirSync(INPUTS.directory).filter((name) => name.endsWith(".xml"));
    const ticket = readFileSync(join(INPUTS.directory, "spice_ticket"), "utf8").trim();
    const text = readFileSync(join(INPUTS.directory, kept[0] ?? ""), "utf8");
    assert.ok(text.includes('type="cirrus"') && !text.includes(ticket), "the ticket is not kept");
    assert.equal(kept.length, 1);
  });

  it("restores a changed ticket while the guest runs", async () => {
    const props = await created();
    const ticket = readFileSync(join(INPUTS.directory, "spice_ticket"), "utf8").trim();
    for (const name of ["persistent", "live"] as const) edit(name, ticket, "hunter2");
    const seen = await read(props);
    assert.deepEqual(seen.drift, [
      "graphics[spice].passwd: declared the lab's ticket, persistent another, live another; healed while it runs",
    ]);
    const healed = await updated(seen);
    assert.deepEqual(verbs(), ["define", "update-device"]);
    assert.equal(healed.bootId, props.bootId);
    assert.ok(readFileSync(file("persistent"), "utf8").includes(`passwd="${ticket}"`));
    assert.ok(readFileSync(file("live"), "utf8").includes(`passwd="${ticket}"`));
    assert.ok(!JSON.stringify([props, seen, healed]).includes(ticket), "it is in the state");
  });

  it("gives a ticket to a guest of an earlier version, by a clean power cycle", async () => {
    const props = await created();
    const ticket = / passwd="[^"]*"/.exec(readFileSync(file("persistent"), "utf8"))?.[0] ?? "";
    for (const name of ["persistent", "live"] as const) edit(name, ticket, "");
    const field = "graphics[spice].passwd";
    const without = (facts: object): Record<string, string> =>
      Object.fromEntries(Object.entries(facts).filter(([path]) => path !== field));
    const { persistent, live, version } = props.baseline;
    const old = { persistent: without(persistent), live: without(live ?? {}), version };
    const seen = await read({ ...props, baseline: old });
    assert.deepEqual(seen.drift, [
      `${field}: declared the lab's ticket, persistent absent, live absent; healed by a clean power cycle`,
    ]);
    const healed = await updated(seen);
    assert.deepEqual(verbs(), ["define", "shutdown", "start"]);
    assert.deepEqual((await read(healed)).drift, []);
  });

  it("power cycles a guest that runs with other hardware, cleanly", async () => {
    const props = await created();
    for (const name of ["persistent", "live"] as const) edit(name, 'type="qxl"', 'type="cirrus"');
    const healed = await updated(await read(props));
    assert.deepEqual(verbs(), ["define", "shutdown", "start"]);
    assert.equal(healed.bootId, `${UUID}#2`);
    assert.deepEqual((await read(healed)).drift, []);
  });

  it("leaves the power cycle to somebody else if that is declared, and notices it", async () => {
    const later = { ...INPUTS, onDrift: "restart-at-next-boot" as const };
    const props = await created();
    for (const name of ["persistent", "live"] as const) edit(name, 'type="qxl"', 'type="cirrus"');
    const waiting = await updated(await read(props), later);
    assert.deepEqual(verbs(), ["define"]);
    assert.equal(waiting.pending, "power cycle");
    const seen = await read(waiting);
    assert.deepEqual([seen.drift, await changes(seen, later)], [[], false]);
    assert.equal(await changes(seen), true, "`heal` does it");
    edit("live", 'type="cirrus"', 'type="qxl"');
    assert.equal((await read(seen)).pending, "");
  });

  it("leaves a running guest alone then: what somebody has plugged in stays in use", async () => {
    const later = { ...INPUTS, onDrift: "restart-at-next-boot" as const };
    const props = await created();
    edit("live", "</devices>", '<redirdev bus="usb" type="spicevmc"/></devices>');
    const waiting = await updated(await read(props), later);
    assert.deepEqual(verbs(), []);
    assert.equal(waiting.pending, "power cycle");
  });

  it("does not undo drift that is only to be reported by setting a changed declaration", async () => {
    const report = { ...INPUTS, onDrift: "report" as const };
    const props = await created();
    edit("persistent", 'type="qxl"', 'type="cirrus"');
    const edited = { ...report, spec: { ...report.spec, vcpus: report.spec.vcpus + 1 } };
    await assert.rejects(
      updated(await read(props), edited),
      /found a changed declaration and drift that is only to be reported \(video.*qxl.*\); need one of them alone/,
    );
    assert.deepEqual(verbs(), []);
  });

  it("only reports if that is declared", async () => {
    const report = { ...INPUTS, onDrift: "report" as const };
    const props = await created();
    edit("persistent", 'type="qxl"', 'type="cirrus"');
    const reported = await updated(await read(props), report);
    assert.deepEqual(verbs(), []);
    assert.equal((await read(reported)).drift.length, 1, "it is reported again");
  });

  it("starts a domain that was switched off, and resumes a suspended one", async () => {
    const props = await created();
    writeFileSync(file("state"), "paused (user)");
    const resumed = await updated(await read(props));
    assert.equal(resumed.bootId, `${UUID}#2`, "its clock and picture are checked again");
    assert.deepEqual(verbs(), ["resume"]);
    rmSync(file("live"));
    writeFileSync(file("state"), "shut off (destroyed)");
    assert.equal((await updated(await read(resumed))).bootId, `${UUID}#3`);
    assert.deepEqual(verbs(), ["start"]);
  });

  it("changes nothing on an overlay, and prints how to merge it", async () => {
    const props = await created();
    for (const name of ["persistent", "live"] as const)
      edit(name, "/pool/disk.qcow2", "/pool/disk.snap");
    await assert.rejects(updated(await read(props)), (error: Error & { reasons?: string[] }) => {
      assert.match(
        error.reasons?.[0] ?? "",
        /found its disk at \/pool\/disk\.snap \(nothing was changed\); need \/pool\/disk\.qcow2; fix: .*virsh blockcommit mirlab-dev-mir vda --active --pivot/,
      );
      return true;
    });
    assert.deepEqual(verbs(), []);
  });

  it("does not resume on a full disk", async () => {
    const props = await created();
    writeFileSync(file("state"), "paused (I/O error)");
    await assert.rejects(updated(await read(props)), (error: Error & { reasons?: string[] }) => {
      assert.match(
        error.reasons?.[0] ?? "",
        /paused \(I\/O error\), as the host's disk is full or failing; need it running; fix: make room/,
      );
      return true;
    });
  });

  it("applies a declared change that the libvirt provider ignored", async () => {
    const props = await created();
    const more = { ...SPEC, memoryMiB: 4096, video: { ...SPEC.video, vgamemKiB: 32768 } };
    const news = { ...INPUTS, spec: more };
    assert.equal(await changes(props, news), true);
    const bigger = await updated(props, news);
    assert.deepEqual(verbs(), ["define", "shutdown", "start"]);
    assert.equal(bigger.bootId, `${UUID}#2`);
    assert.match(readFileSync(file("live"), "utf8"), /vgamem="32768"/);
  });
});

describe("DomainContract, compared", () => {
  const other: [string, Partial<DomainSpec>, boolean][] = [
    ["another disk", { disk: "/pool/other.qcow2" }, true],
    ["another first boot", { seed: "/pool/other.iso" }, true],
    ["KVM", { type: "kvm" }, true],
    ["more memory", { memoryMiB: 4096 }, false],
    ["another port", { spice: { ...SPEC.spice, port: 5902 } }, false],
  ];
  for (const [what, change, replaced] of other) {
    it(`${replaced ? "replaces" : "updates"} the domain for ${what}`, async () => {
      const diff = await provider.diff?.(UUID, await created(), {
        ...INPUTS,
        spec: { ...SPEC, ...change },
      });
      assert.equal(diff?.changes, true);
      assert.deepEqual(diff.replaces, replaced ? ["spec"] : []);
      assert.equal(diff.deleteBeforeReplace, true);
    });
  }
});

describe("DomainContract, deleted", () => {
  it("shuts the guest down cleanly and removes it, also when done twice", async () => {
    const props = await created();
    await provider.delete?.(UUID, props);
    assert.deepEqual(verbs(), ["shutdown", "undefine"]);
    await provider.delete?.(UUID, props);
    assert.deepEqual(verbs(), []);
  });

  it("switches off a domain that cannot shut down", async () => {
    const props = await created();
    writeFileSync(file("state"), "paused (user)");
    await provider.delete?.(UUID, props);
    assert.deepEqual(verbs(), ["destroy", "undefine"]);
  });

  it("accepts an undefined domain that disappears when it stops", async () => {
    const props = await created();
    writeFileSync(file("transient"), "");
    await provider.delete?.(UUID, props);
    assert.deepEqual(verbs(), ["shutdown"]);
  });

  it("leaves a domain that carries another's mark", async () => {
    const props = await created();
    edit("persistent", "<mirlab:guest>mir", "<mirlab:guest>other");
    await assert.rejects(async () => provider.delete?.(UUID, props), /created by guest 'other'/);
    assert.deepEqual(verbs(), []);
  });
});
