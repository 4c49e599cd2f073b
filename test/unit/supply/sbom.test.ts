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

/** CycloneDX's own schemas, as its library ships them; they know no key but the specification's. */
const SCHEMAS = join(
  dirname(require.resolve("@cyclonedx/cyclonedx-library/package.json")),
  "res",
  "schema",
);
const schema = (name: string): object =>
  JSON.parse(readFileSync(join(SCHEMAS, `${name}.SNAPSHOT.schema.json`), "utf8")) as object;

// Not strict: the schemas have words of their own (meta:enum).
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
// Two that ajv-formats lacks; ours has neither a link nor an address.
ajv.addFormat("iri-reference", (text: string) => URL.canParse(text, "https://base.example"));
ajv.addFormat("idn-email", /^[^@\s]+@[^@\s]+$/);
// By the names that the schema refers to them with.
for (const name of ["spdx", "jsf-0.82"]) {
  ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
}
const isValid = ajv.compile(schema("bom-1.6"));

/** What the schema says against it. */
function faultsOf(bom: unknown): string[] {
  if (isValid(bom)) return [];
  return (isValid.errors ?? []).map((e) => `${e.instancePath}: ${e.message ?? e.keyword}`);
}

describe("sbom.cdx.json", () => {
  it("is of the version that it is looked at by", () => assert.equal(BOM.specVersion, "1.6"));

  it("is valid by CycloneDX's own schema", () => assert.deepEqual(faultsOf(BOM), []));

  const [first] = BOM.components;
  const altered = (change: object): object => ({
    ...BOM,
    components: [{ ...first, ...change }, ...BOM.components.slice(1)],
  });
  const WRONG: Readonly<Record<string, object>> = {
    "no format": { ...BOM, bomFormat: undefined },
    "a key that nobody knows": { ...BOM, colour: "red" },
    "a number that is none": { ...BOM, serialNumber: "urn:uuid:1" },
    "a component without a name": altered({ name: undefined }),
    "an unknown scope": altered({ scope: "sometimes" }),
    "a digest that is no hex": altered({ hashes: [{ alg: "SHA-512", content: "sha512-AAAA==" }] }),
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

  it("names each part by what it is in its registry", () => {
    for (const { purl } of BOM.components) {
      assert.match(
        purl,
        /^pkg:(npm\/(%40[^/@]+\/)?[^/@]+@[^@]+|golang\/[^@]+@v[^@]+|deb\/debian\/[^?@]+\?distro=bookworm)$/,
      );
    }
  });
});
