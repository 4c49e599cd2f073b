import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readinessPresent } from "../../policies/readinessPresent";
import { inPreview, saidOfStack, UNKNOWN } from "./support";

const urn = (type: string, name: string): string => `urn:pulumi:dev::mirlab::${type}::${name}`;
const GUEST = "mirlab:index:Guest";
const READINESS = "pulumi-nodejs:dynamic/mir:MirReadiness";

const guest = (name: string) => ({ type: GUEST, urn: urn(GUEST, name), props: {} });
const readiness = (name: string, gates: object = { kernel: ">= 3.18", mesa: ">= 10.3.0" }) => ({
  type: READINESS,
  urn: urn(`${GUEST}$${READINESS}`, `${name}-readiness`),
  props: { gates },
});

const violations = (...resources: object[]): Promise<string[]> =>
  saidOfStack(readinessPresent, ...resources);

describe("policy readiness-present", () => {
  it("holds for guests with MirReadiness and gates at or above the page's", async () => {
    const higher = readiness("b", { kernel: ">= 6.1", mesa: ">= 22.3" });
    assert.deepEqual(await violations(guest("a"), readiness("a"), guest("b"), higher), []);
  });

  it("holds for a stack without guests", async () => {
    assert.deepEqual(await violations(), []);
  });

  it("names a guest without MirReadiness, also beside another guest's", async () => {
    assert.deepEqual(await violations(guest("a"), guest("b"), readiness("b")), [
      "guest 'a': found 0 resources MirReadiness; need exactly one; fix: declare the guest by components/lab/guest.resource.ts",
    ]);
  });

  it("throws while a gate is unknown", async () => {
    const props = inPreview({ gates: { kernel: UNKNOWN, mesa: ">= 10.3.0" } });
    await assert.rejects(violations(guest("a"), { ...readiness("a"), props }), /gates\.kernel/);
  });

  it("names gates that are lower than the page's, malformed or missing", async () => {
    const low = readiness("a", { kernel: ">= 3.2" });
    assert.deepEqual(await violations(guest("a"), low), [
      "gate kernel of 'a-readiness': found '>= 3.2'; need the page's '>= 3.18' or higher; fix: raise guests[].gates.kernel, or drop the key",
      "gate mesa of 'a-readiness': found ''; need the page's '>= 10.3.0' or higher; fix: raise guests[].gates.mesa, or drop the key",
    ]);
  });
});
