import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { ROOT } from "../support";

const TEXT = readFileSync(join(ROOT, "sbom.cdx.json"), "utf8");

interface Bom {
  readonly specVersion: string;
  readonly components: readonly (Readonly<Record<string, unknown>> & { readonly purl: string })[];
}
const BOM = JSON.parse(TEXT) as Bom;

/** CycloneDX's schemas from its library; they allow only the keys of the specification. */
const SCHEMAS = join(
  dirname(require.resolve("@cyclonedx/cyclonedx-library/package.json")),
  "res",
  "schema",
);
const schema = (name: string): object =>
  JSON.parse(readFileSync(join(SCHEMAS, `${name}.SNAPSHOT.schema.json`), "utf8")) as object;

// Not strict: the schemas use a keyword of their own (meta:enum).
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
// Two formats that ajv-formats lacks; our file has neither links nor addresses.
ajv.addFormat("iri-reference", (text: string) => URL.canParse(text, "https://base.example"));
ajv.addFormat("idn-email", /^[^@\s]+@[^@\s]+$/);
// Under the names by which the schema refers to them.
for (const name of ["spdx", "jsf-0.82"]) {
  ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
}
const isValid = ajv.compile(schema("bom-1.6"));

/** The schema's faults of a bill of materials. */
function faultsOf(bom: unknown): string[] {
  if (isValid(bom)) return [];
  return (isValid.errors ?? []).map((e) => `${e.instancePath}: ${e.message ?? e.keyword}`);
}

describe("sbom.cdx.json", () => {
  it("has the version of the schema below", () => assert.equal(BOM.specVersion, "1.6"));

  it("is valid against CycloneDX's schema", () => assert.deepEqual(faultsOf(BOM), []));

  const [first] = BOM.components;
  const altered = (change: object): object => ({
    ...BOM,
    components: [{ ...first, ...change }, ...BOM.components.slice(1)],
  });
  const WRONG: Readonly<Record<string, object>> = {
    "no format": { ...BOM, bomFormat: undefined },
    "an unknown key": { ...BOM, colour: "red" },
    "an invalid serial number": { ...BOM, serialNumber: "urn:uuid:1" },
    "a component without a name": altered({ name: undefined }),
    "an unknown scope": altered({ scope: "sometimes" }),
    "a digest that is not hexadecimal": altered({
      hashes: [{ alg: "SHA-512", content: "sha512-AAAA==" }],
    }),
    "a licence of two kinds": altered({
      licenses: [{ expression: "MIT", license: { id: "MIT" } }],
    }),
    "a component twice": { ...BOM, components: [first, first] },
  };
  for (const [what, bom] of Object.entries(WRONG)) {
    it(`would be refused with ${what}`, () => {
      assert.notDeepEqual(faultsOf(JSON.parse(JSON.stringify(bom))), []);
    });
  }

  it("names each component by its package URL", () => {
    for (const { purl } of BOM.components) {
      assert.match(
        purl,
        /^pkg:(npm\/(%40[^/@]+\/)?[^/@]+@[^@]+|golang\/[^@]+@v[^@]+|deb\/debian\/[^?@]+\?distro=bookworm)$/,
      );
    }
  });
});
