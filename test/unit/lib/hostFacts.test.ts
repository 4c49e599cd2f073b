import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readHostFacts } from "../../../lib/hostFacts";
import { ROOT, temporaryFolder } from "../support";

const KEYS: [string, string][] = [
  ["version", "1"],
  ["os", "debian  12"],
  ["arch", "x86_64"],
  ["rights", "sudo"],
  ["user", "ada"],
  ["memoryAvailableMiB", "2000"],
  ["dataFreeMiB", "3000"],
  ["cacheFreeMiB", "4000"],
  ["libvirt", "ok"],
  ["kvmDevice", "no"],
];
const answer = (lines: [string, string][]): string =>
  lines.map((l) => `${l.join("\t")}\n`).join("");

describe("readHostFacts", () => {
  it("reads an answer, its lists among it", () => {
    const lists: [string, string][] = [
      ["running", "a"],
      ["running", "b"],
      ["share", "/srv/a folder /srv/b yes"],
      ["share", "/srv/c missing /srv/c unknown"],
      ["image", "https://a.example/x curl: (22) The requested URL returned error: 404"],
    ];
    assert.deepEqual(readHostFacts(answer([...KEYS, ...lists])), {
      os: "debian  12",
      arch: "x86_64",
      rights: "sudo",
      user: "ada",
      memoryAvailableMiB: 2000,
      dataFreeMiB: 3000,
      cacheFreeMiB: 4000,
      libvirt: "ok",
      kvmDevice: false,
      running: ["a", "b"],
      images: [
        {
          url: "https://a.example/x",
          state: "curl: (22) The requested URL returned error: 404",
        },
      ],
      shares: [
        { path: "/srv/a", kind: "folder", resolved: "/srv/b", writable: "yes" },
        { path: "/srv/c", kind: "missing", resolved: "/srv/c", writable: "unknown" },
      ],
    });
  });

  for (const [key] of KEYS) {
    it(`takes an answer without '${key}' for none`, () => {
      const rest = KEYS.filter(([k]) => k !== key);
      assert.throws(() => readHostFacts(answer(rest)), {
        message: `host facts: no '${key}' in the answer`,
      });
    });
  }

  it("refuses another version", () => {
    const other = KEYS.map(([k, v]): [string, string] => [k, k === "version" ? "2" : v]);
    assert.throws(() => readHostFacts(answer(other)), { message: "host facts: unknown version" });
  });

  it("reads what the script says of this machine", () => {
    const folder = temporaryFolder();
    const script = join(ROOT, "scripts", "host", "facts.sh");
    const told = execFileSync("bash", [
      script,
      `${folder}/data`,
      folder,
      "share",
      folder,
      "share",
      `${folder}/no`,
    ]);
    const facts = readHostFacts(told.toString());
    assert.ok(facts.memoryAvailableMiB > 0);
    assert.ok(facts.dataFreeMiB > 0);
    assert.deepEqual(
      facts.shares.map(({ path, kind }) => [path, kind]),
      [
        [folder, "folder"],
        [`${folder}/no`, "missing"],
      ],
    );
  });
});
