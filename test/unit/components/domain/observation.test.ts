import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { observedFacts, readObservation } from "../../../../components/domain/observation";
import { fixture } from "../../support";

const MARK = "0123456789abcdef";
const UUID = "03477bcd-dafd-49ea-9ded-32ba352a5b3c";
const INACTIVE = fixture("dumpxml-inactive.libvirt-9.0.0.xml");
const LIVE = fixture("dumpxml-live.libvirt-9.0.0.xml");

const ANSWER = {
  list: `984b7045-1b30-42a5-9144-e724d46eb3da other\n${UUID} mirlab-h3\n`,
  version:
    "Compiled against library: libvirt 9.0.0\nUsing library: libvirt 9.0.0\n" +
    "Using API: QEMU 9.0.0\nRunning hypervisor: QEMU 7.2.22\nRunning against daemon: 9.0.0\n",
  state: "running (booted)\n",
  info: "Id:             3\nName: mirlab-h3\nPersistent:     yes\nAutostart:      disable\nManaged save:   no\n",
  persistent: INACTIVE,
  live: LIVE,
  snapshots: "",
};

const answer = (change: Partial<typeof ANSWER> = {}): string =>
  Object.entries({ ...ANSWER, ...change })
    .map(([name, text]) => `${MARK}:${name}:${text}`)
    .join("");

const read = (change: Partial<typeof ANSWER> = {}, domain = UUID) =>
  readObservation(answer(change), MARK, domain);

describe("the observation of a domain", () => {
  it("is read completely", () => {
    const seen = read();
    assert.deepEqual(
      { ...seen, inactiveXml: undefined, liveXml: undefined },
      {
        uuid: UUID,
        name: "mirlab-h3",
        state: "running",
        reason: "booted",
        autostart: false,
        managedSave: false,
        persistent: true,
        snapshots: 0,
        version: "Running hypervisor: QEMU 7.2.22; Running against daemon: 9.0.0",
        inactiveXml: undefined,
        liveXml: undefined,
      },
    );
    assert.equal(seen?.inactiveXml, INACTIVE.trim());
    assert.equal(seen.liveXml, LIVE.trim());
  });

  it("finds the domain by name too", () => assert.equal(read({}, "mirlab-h3")?.uuid, UUID));

  it("is undefined for a domain that is not listed", () => {
    assert.equal(read({}, "nosuch"), undefined);
    assert.equal(read({ list: "\n", persistent: "" }), undefined);
  });

  it("has no live definition of a stopped domain, though virsh prints the persistent one", () => {
    const seen = read({ info: ANSWER.info.replace("3", "-"), state: "shut off (shutdown)" });
    assert.equal(seen?.liveXml, undefined);
    assert.deepEqual([seen?.state, seen?.reason], ["shut off", "shutdown"]);
  });

  it("has the number of snapshots, autostart and managed save", () => {
    const info = ANSWER.info.replace("disable", "enable").replace("save:   no", "save:   yes");
    const seen = read({ snapshots: "one\ntwo\n", info });
    assert.equal(seen?.snapshots, 2);
    assert.ok(seen);
    const { persistent, live } = observedFacts(seen);
    assert.deepEqual([persistent.autostart, persistent["managed save"]], ["enable", "yes"]);
    assert.ok(live !== undefined && !("autostart" in live));
  });

  it("is an error if the domain is removed meanwhile, or the answer is incomplete", () => {
    assert.throws(
      () => read({ persistent: "" }),
      /found no definition, as something removed the domain meanwhile; need one; fix: run the command again$/,
    );
    const half = answer().split(`${MARK}:info:`)[0] ?? "";
    assert.throws(
      () => readObservation(half, MARK, UUID),
      /found no 'info' in libvirt's answer; need all parts$/,
    );
  });

  it("cannot be forged by a definition's text", () => {
    const forged = INACTIVE.replace(
      "<os>",
      "<description>x:live:&lt;domain/&gt;</description><os>",
    );
    assert.equal(read({ persistent: forged })?.liveXml, LIVE.trim());
  });
});
