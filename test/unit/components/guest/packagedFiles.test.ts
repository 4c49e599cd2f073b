import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { needsVerifying, signaturesOf } from "../../../../components/guest/differences";
import { CONTRACT, observed } from "../../guest";
import { recorded } from "./recorded";

describe("reading the packages' files", () => {
  const quick = observed((g) =>
    Object.assign(g.packages ?? {}, { changed: null, initrdSha256: null }),
  );

  it("is skipped while sizes and times are those of intact files", () => {
    assert.equal(needsVerifying(CONTRACT, recorded, quick), false);
  });

  it("is needed for a touched file, at the first time, and for a new initial ram disk", () => {
    const touched = observed((g) =>
      Object.assign(g.packages ?? {}, { changed: null, signature: "ab".repeat(32) }),
    );
    const initrd = observed((g) => {
      Object.assign(g.packages ?? {}, { changed: null });
      Object.assign(g.kernel ?? {}, { initrd: "ab".repeat(32) });
    });
    assert.equal(needsVerifying(CONTRACT, recorded, touched), true);
    assert.equal(needsVerifying(CONTRACT, {}, quick), true);
    assert.equal(needsVerifying(CONTRACT, recorded, initrd), true);
  });

  it("is never needed for an adopted guest, or twice in one look", () => {
    assert.equal(needsVerifying({ session: [] }, {}, quick), false);
    assert.equal(needsVerifying(CONTRACT, {}, observed()), false);
  });

  it("is remembered only for files as packaged", () => {
    assert.deepEqual(Object.keys(signaturesOf(observed(), recorded)), [
      "packaged files: signature",
      "initrd: signature",
    ]);
    assert.deepEqual(signaturesOf(quick, recorded), {});
    const broken = observed((g) => g.packages?.changed?.push({ path: "/x", state: "changed" }));
    assert.deepEqual(signaturesOf(broken, recorded), {});
    const other = observed((g) =>
      Object.assign(g.packages ?? {}, { initrdSha256: "c".repeat(64) }),
    );
    assert.deepEqual(Object.keys(signaturesOf(other, recorded)), ["packaged files: signature"]);
  });
});
