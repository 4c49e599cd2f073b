/** `lab reset`, `lab up --reset`, `lab up --remove`: only a named guest loses its disk, and gets it back. */
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { before, beforeEach, describe, it } from "node:test";
import { host, programs as ofProgram } from "../program";
import {
  disk,
  engine,
  EXPORT,
  exported,
  folder,
  imported,
  lab,
  LAB,
  PACK,
  programs,
  SELECT,
  state,
} from "./standIn";

const UP = `up --stack dev ${PACK} --yes --ignore-protect`;
const PREPARED = ["libvirtd start", SELECT, EXPORT];
const OUTPUT = "stack output --stack dev --json";

/** The engine after a reset that got as far as the new disk. */
const REPLACED = [
  LAB[0],
  disk("mir-vm-ab-2.qcow2"),
  LAB[2],
  disk("mir-vm-ab.qcow2", { delete: true, protect: true }),
] as object[];

before(() => {
  host();
  programs.set(
    "bash",
    `cat >/dev/null
case "$*" in
  "-s -- full "*) cat "${ofProgram.folder}/facts" ;;
  "-s -- /var/cache/mirlab") echo '{"acceleration":"tcg","reason":"no /dev/kvm"}' ;;
  "-s -- /var/lib/mirlab/dev/pool/"*) printf '%s\\t3328599654\\t0\\n' "$3" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac`,
  );
});
beforeEach(() => {
  state(...LAB);
  rmSync(imported, { force: true });
  engine("printf '%s\\n' \"reset=$MIRLAB_RESET remove=$MIRLAB_REMOVE\" >>told; exit 0");
  rmSync(join(folder, "told"), { force: true });
});
const told = (): string => readFileSync(join(folder, "told"), "utf8").trim();

describe("reset", () => {
  it("says what is lost, and names the guest to the program alone", async () => {
    const { code, err, asked } = await lab(["reset", "mir", "--yes"]);
    assert.equal(code, 0, err);
    assert.match(err, /^ {2}mir: mir-vm-ab\.qcow2: 3\.1 GiB written, the last on 1970-01-01$/m);
    assert.deepEqual(asked.slice(-6), [
      ...PREPARED,
      "heal pool-define mirlab-dev /var/lib/mirlab/dev/pool",
      ...[UP, OUTPUT],
    ]);
    assert.equal(told(), "reset=mir remove=");
  });

  it("is the same by up --reset", async () => {
    const { asked } = await lab(["up", "--reset", "mir", "--yes"]);
    assert.ok(asked.includes(UP), asked.join("\n"));
    assert.equal(told(), "reset=mir remove=");
  });

  it("takes no silence for a yes, nor CI=true", async () => {
    for (const env of [{ CI: "" }, { CI: "true" }]) {
      const { code, err, asked } = await lab(["reset", "mir"], env);
      assert.equal(code, 1);
      assert.match(err, /delete it\?: found no terminal to ask on; need an answer; fix: add --yes/);
      assert.deepEqual(
        asked.filter((line) => line.startsWith("up")),
        [],
      );
    }
  });

  it("refuses a guest without a disk", async () => {
    const { code, err } = await lab(["reset", "mri", "--yes"]);
    assert.equal(code, 1);
    assert.match(
      err,
      /lab: mri: found no disk of this guest in the lab; need one of mir; fix: correct the name/,
    );
  });

  it("gives the old disk back where the new guest does not get ready", async () => {
    // The first `up` replaces the disk and fails; the second one, after the import, goes right.
    engine(
      `if [[ -e '${imported}' ]]; then exit 0; fi
       printf '%s' '${JSON.stringify({ version: 3, deployment: { resources: REPLACED } })}' >'${exported}'; exit 255`,
    );
    const { code, err, asked } = await lab(["reset", "mir", "--yes"]);
    assert.equal(code, 255);
    assert.match(err, /^lab: not as declared on a new disk; giving mir the old one back$/m);
    assert.match(err, /^lab: mir: on its earlier disk$/m);
    assert.deepEqual(asked.slice(-4), [
      UP,
      EXPORT,
      "stack import --stack dev",
      `up --stack dev ${PACK} --yes`,
    ]);
    const { deployment } = JSON.parse(readFileSync(imported, "utf8")) as {
      deployment: { resources: { outputs: { name: string }; delete?: boolean }[] };
    };
    assert.deepEqual(
      deployment.resources.map(({ outputs, delete: gone }) => [outputs.name, gone]),
      [
        ["mirlab-dev", undefined],
        ["mir-vm-ab.qcow2", undefined],
        [undefined, undefined],
        ["mir-vm-ab-2.qcow2", true],
      ],
    );
  });

  it("leaves all as it is where it failed before a disk was replaced", async () => {
    engine("exit 255");
    const { code, err, asked } = await lab(["reset", "mir", "--yes"]);
    assert.equal(code, 255);
    assert.match(err, /^lab: no disk was replaced$/m);
    assert.equal(asked.at(-1), EXPORT);
  });

  it("says after an interruption how to go on either way", async () => {
    // Ctrl-C reaches the verb too; the engine ends in order, with its number for any failure.
    engine("kill -INT $PPID; sleep 0.2; exit 255");
    const { code, err } = await lab(["reset", "mir", "--yes"]);
    assert.equal(code, 255);
    assert.match(
      err,
      /^lab: interrupted; 'lab reset mir --undo' gives the old disk back, 'lab up' goes on$/m,
    );
  });

  it("is undone by --undo, while the old disk is there", async () => {
    state(...REPLACED);
    engine();
    const { code, asked } = await lab(["reset", "mir", "--undo"]);
    assert.equal(code, 0);
    assert.deepEqual(asked.slice(-2), ["stack import --stack dev", `up --stack dev ${PACK} --yes`]);
    state(...LAB);
    const second = await lab(["reset", "mir", "--undo"]);
    assert.equal(second.code, 1);
    assert.match(second.err, /mir: found no replaced disk/);
  });
});

describe("up", () => {
  it("names nobody by itself, and leaves disks protected", async () => {
    const { code, asked } = await lab(["up", "--yes"]);
    assert.equal(code, 0);
    assert.ok(asked.includes(`up --stack dev ${PACK} --yes`), asked.join("\n"));
    assert.equal(told(), "reset= remove=");
  });

  it("may make a disk anew that no guest has booted", async () => {
    state(...LAB.slice(0, 2));
    const { asked } = await lab(["up", "--yes"]);
    assert.ok(asked.includes(UP), asked.join("\n"));
  });

  it("deletes a guest that is no longer declared where it is named", async () => {
    const { asked } = await lab(["up", "--remove", "mir", "--yes"]);
    assert.ok(asked.includes(UP), asked.join("\n"));
    assert.equal(told(), "reset= remove=mir");
  });

  it("asks libvirt for the pool by the lab's name, not the stack's", async () => {
    state({ ...LAB[0], outputs: { name: "mirlab-old", target: { path: "/srv/old/pool" } } });
    const { asked } = await lab(["up", "--yes"]);
    assert.ok(asked.includes("heal pool-define mirlab-old /srv/old/pool"), asked.join("\n"));
  });
});
