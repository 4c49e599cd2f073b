import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  gateFault,
  meets,
  parseRequirement,
  Requirement,
  upstreamVersion,
} from "../../../core/requirement";

function need(text: string): Requirement {
  const requirement = parseRequirement(text);
  assert.ok(requirement, text);
  return requirement;
}

const number = fc.nat(99_999);
const triple = fc.tuple(number, number, number);

/** Compares two versions by their numbers. */
function order(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at < 0 ? 0 : Math.sign((a[at] ?? 0) - (b[at] ?? 0));
}

describe("parseRequirement", () => {
  const table: [string, string, string][] = [
    [">= 3.18", ">= 3.18", "3.18.0"],
    [">=3.18.0", ">= 3.18.0", "3.18.0"],
    ["3.18", ">= 3.18", "3.18.0"],
    ["  >=  10.3.0 ", ">= 10.3.0", "10.3.0"],
    [">= 22.04", ">= 22.04", "22.4.0"],
  ];
  for (const [text, shown, floor] of table) {
    it(`reads '${text}'`, () => assert.deepEqual(parseRequirement(text), { text: shown, floor }));
  }

  const refused = [
    "",
    "3",
    ">=\t3.18",
    ">= 3.18\n",
    "> 3.18",
    "<= 3.18",
    "~3.18",
    "3.18.0.1",
    "3.18-rc1",
    ">= a.b",
    "3.x",
  ];
  for (const text of [...refused, "123456.1", "3.18 || 1", ">= >= 3.18", "٣.18"]) {
    it(`refuses '${text}' and names the accepted form`, () => {
      assert.equal(parseRequirement(text), undefined);
      assert.equal(
        gateFault(text, need("3.18")),
        `'${text}' is not a version requirement; use '>= MAJOR.MINOR[.PATCH]', e.g. '>= 3.18'`,
      );
    });
  }

  it("reads every version of two or three numbers, and its own output again", () => {
    fc.assert(
      fc.property(triple, fc.boolean(), (parts, short) => {
        const text = (short ? parts.slice(0, 2) : parts).join(".");
        const requirement = need(`>= ${text}`);
        assert.equal(requirement.floor, short ? `${text}.0` : text);
        assert.deepEqual(parseRequirement(requirement.text), requirement);
      }),
    );
  });

  it("accepts or refuses any text, and shows at most 40 characters of it", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const fault = gateFault(text, need("0.0"));
        assert.equal(fault === undefined, parseRequirement(text) !== undefined);
        assert.ok((fault ?? "").length < 140);
      }),
    );
  });
});

describe("upstreamVersion", () => {
  const table: [string, string | undefined][] = [
    ["6.1.0-56-amd64", "6.1.0"],
    ["22.3.6-1+deb12u2", "22.3.6"],
    ["1:2.12.1-1", "2.12.1"],
    ["4.0.0-rc1+", "4.0.0"],
    ["3.18", "3.18.0"],
    ["3.18-generic", "3.18.0"],
    ["10.3.0-devel", "10.3.0"],
    ["5.15.153.1-microsoft-standard-WSL2", "5.15.153"],
    ["24.04", "24.4.0"],
    ["", undefined],
    ["6", undefined],
    ["v6.1", undefined],
    ["unknown 6.1", undefined],
    ["-6.1", undefined],
    ["12345678901234567890.18", undefined],
    ["6.12345678901234567890", undefined],
  ];
  for (const [text, version] of table) {
    it(`reads '${text}' as ${version ?? "unknown"}`, () => {
      assert.equal(upstreamVersion(text), version);
    });
  }

  it("reads any three numbers that no digit follows", () => {
    const tail = fc.string({ maxLength: 12 }).map((text) => text.replace(/^[\d\s]+|\s+$/g, ""));
    fc.assert(
      fc.property(triple, tail, (parts, rest) => {
        assert.equal(upstreamVersion(parts.join(".") + rest), parts.join("."));
      }),
    );
  });
});

describe("meets", () => {
  it("compares versions as numbers, not as text", () => {
    fc.assert(
      fc.property(triple, triple, (found, floor) => {
        const met = meets(`${found.join(".")}-1`, need(floor.join(".")));
        assert.equal(met, order(found, floor) >= 0);
      }),
    );
  });

  const table: [string, string, boolean][] = [
    ["3.18.0", ">= 3.18", true],
    ["3.9.0", ">= 3.18", false],
    ["3.17.99", ">= 3.18", false],
    ["10.3.0", ">= 10.3.0", true],
    ["10.2.9", ">= 10.3.0", false],
    ["9.9.9", ">= 10.3.0", false],
    ["nonsense", ">= 0.0", false],
  ];
  for (const [found, text, met] of table) {
    it(`${found} ${met ? "meets" : "does not meet"} ${text}`, () => {
      assert.equal(meets(found, need(text)), met);
    });
  }
});

describe("gateFault", () => {
  it("refuses exactly the requirements below the floor", () => {
    fc.assert(
      fc.property(triple, triple, (asked, floor) => {
        const fault = gateFault(asked.join("."), need(floor.join(".")));
        assert.equal(fault !== undefined, order(asked, floor) < 0);
      }),
    );
  });

  it("names requirement, floor and fix", () => {
    assert.equal(
      gateFault("3.17.9", need("3.18")),
      "'>= 3.17.9' is below the page's floor '>= 3.18'; raise it or drop the key",
    );
  });
});
