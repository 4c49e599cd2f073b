import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { shownByPlan } from "../../bench/sides/terraformSide";
import {
  differences,
  outcomeOf,
  Row,
  seenOf,
  Snapshot,
  table,
  Shown,
} from "../../bench/sides/verdict";

const shown = (...names: string[]): Shown => ({ changed: true, names });

describe("what a preview saw", () => {
  const cases: readonly [string, Shown | undefined, string, string][] = [
    [
      "a field in this project's words",
      shown("video/model.type: declared qxl"),
      "video/model.type",
      "seen",
    ],
    ["a device that is gone", shown("watchdog[itco]: declared absent"), "watchdog", "seen"],
    ["an attribute of Terraform", shown("boot_device"), "os/boot.dev", "seen"],
    [
      "an attribute of Pulumi",
      shown("bootDevices[0].devs: not as declared"),
      "os/boot.dev",
      "seen",
    ],
    [
      "a plural of Pulumi",
      shown("filesystems: not as declared"),
      "filesystem[share].accessmode",
      "seen",
    ],
    ["the run state", shown("running"), "state", "seen"],
    ["the balloon, shown as memory", shown("memory"), "currentMemory", "seen"],
    ["another attribute", shown("memory"), "vcpu", "partly"],
    ["a change without a name", shown(), "video/model.type", "partly"],
    ["a field that no attribute is for", shown("cmdline"), "on_crash", "partly"],
    [
      "a longer attribute of the same beginning",
      shown("machine_type"),
      "os/type.machine",
      "partly",
    ],
    ["no change", { changed: false, names: [] }, "video/model.type", "not seen"],
    ["nothing of this domain", undefined, "video/model.type", "not seen"],
  ];
  for (const [what, said, field, seen] of cases) {
    it(`${what}: ${seen}`, () => assert.equal(seenOf(said, field), seen));
  }
});

describe("what an apply did", () => {
  const wanted: Snapshot = {
    ...{ uuid: "u1", state: "running", defined: true },
    ...{ persistent: { "video/model.type": "qxl" }, live: { "video/model.type": "qxl" } },
  };
  const edited: Snapshot = { ...wanted, persistent: { "video/model.type": "cirrus" } };
  const cases: readonly [string, number, Snapshot | undefined, string][] = [
    ["as it was, the same domain", 0, wanted, "healed"],
    ["as it was, another domain", 0, { ...wanted, uuid: "u2" }, "rebuilds"],
    ["said done, and nothing changed", 0, edited, "heals falsely"],
    ["said done, and the domain is gone", 0, undefined, "heals falsely"],
    ["another domain, and not as declared", 0, { ...edited, uuid: "u2" }, "rebuilds wrongly"],
    ["an error before anything was touched", 1, edited, "refuses"],
    ["an error, and something else is there", 1, { ...edited, state: "shut off" }, "fails"],
    ["an error, and the domain is gone", 1, undefined, "fails"],
  ];
  for (const [what, code, found, outcome] of cases) {
    it(`${what}: ${outcome}`, () => assert.equal(outcomeOf(code, wanted, edited, found), outcome));
  }
  it("names each difference, and which side of the domain it is on", () => {
    assert.deepEqual(differences(wanted, edited), ["persistent video/model.type: qxl -> cirrus"]);
    assert.deepEqual(differences(wanted, { ...wanted, live: {} }), [
      "live video/model.type: qxl -> undefined",
    ]);
    assert.deepEqual(differences(wanted, undefined), ["the domain is gone"]);
    assert.deepEqual(differences(wanted, wanted), []);
  });
});

describe("a plan of Terraform", () => {
  const change = (
    index: string,
    actions: string[],
    before: object | null,
    after: object | null,
  ) => ({
    ...{ address: `libvirt_domain.guest["${index}"]`, index },
    change: { actions, before, after },
  });
  const plan = (...changes: object[]) => JSON.stringify({ resource_changes: changes });
  it("names the attributes that differ, by domain", () => {
    const two = plan(
      change("a", ["update"], { name: "a", running: false }, { name: "a", running: true }),
      change("b", ["no-op"], { name: "b" }, { name: "b" }),
    );
    assert.deepEqual([...shownByPlan(two)], [["a", shown("running")]]);
  });
  it("a domain to recreate is a change without a name", () => {
    assert.deepEqual(
      [...shownByPlan(plan(change("a", ["create"], null, { name: "a" })))],
      [["a", shown()]],
    );
  });
  it("a plan without resources changes nothing", () => {
    assert.equal(shownByPlan("{}").size, 0);
  });
  it("an answer that is no plan is an error, never 'no change'", () => {
    assert.throws(() => shownByPlan('{"resource_changes": [{}]}'));
    assert.throws(() => shownByPlan("Error: no state"));
  });
});

describe("the table", () => {
  const rows: Row[] = [
    {
      id: "video",
      field: "video",
      verdicts: [{ seen: "seen", outcome: "healed" }, { seen: "not seen" }],
    },
    {
      id: "seed",
      field: "disk[sda]",
      verdicts: [
        { seen: "seen", outcome: "healed" },
        { seen: "error", fault: "panic: a|b" },
      ],
    },
    {
      id: "off",
      field: "state",
      verdicts: [undefined, { seen: "partly", outcome: "rebuilds wrongly" }],
    },
  ];
  const lines = table(["ours", "other"], rows).split("\n");
  it("has a line for each mutation; a bar in a message does not break it", () => {
    assert.equal(lines[2], "| video | `video` | seen; healed | not seen |");
    assert.equal(lines[3], "| seed | `disk[sda]` | seen; healed | error; panic: a\\|b |");
    assert.equal(lines[4], "| off | `state` | - | partly; rebuilds wrongly |");
  });
  it("counts what was made on each side, and takes a wrong rebuild for a false heal", () => {
    const counts = Object.fromEntries(
      lines.slice(5).map((line) => {
        const [, name = "", , ours = "", other = ""] = line.split(" | ").join("|").split("|");
        return [name.trim(), [ours.trim(), other.trim()]];
      }),
    );
    assert.deepEqual(counts, {
      "**seen**": ["2 of 2", "0 of 3"],
      "**partly**": ["0 of 2", "1 of 3"],
      "**error**": ["0 of 2", "1 of 3"],
      "**healed**": ["2 of 2", "0 of 3"],
      "**rebuilds**": ["0 of 2", "0 of 3"],
      "**heals falsely**": ["0 of 2", "1 of 3"],
    });
  });
});
