import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { root } from "./support";

function read(...below: string[]): string {
  return fs.readFileSync(path.join(root, ...below), "utf8");
}

/** The version of a required module in a part's go.mod, or of its `go` line. */
function required(part: string, module: string): string | undefined {
  const line = read("toolchain", part, "go.mod")
    .split("\n")
    .map((text) => text.trim().replace(/^require /, ""))
    .find((text) => text.startsWith(`${module} `));
  return line?.split(" ")[1];
}

describe("the pins of toolchain/versions.env", () => {
  const pins = Object.fromEntries(
    [...read("toolchain", "versions.env").matchAll(/^([A-Z_]+)=(.+)$/gm)].map((match) => [
      match[1],
      match[2],
    ]),
  ) as Record<string, string>;

  it("equal those of the Go modules", () => {
    for (const part of ["cli", "nodehost"]) {
      assert.equal(
        required(part, "github.com/pulumi/pulumi/pkg/v3"),
        `v${pins["PULUMI_VERSION"]}`,
        part,
      );
      assert.equal(
        required(part, "github.com/pulumi/pulumi/sdk/v3"),
        `v${pins["PULUMI_VERSION"]}`,
        part,
      );
    }
    const bridge = required("bridge", "github.com/pulumi/pulumi-terraform-bridge/v3");
    assert.equal(bridge, `v${pins["BRIDGE_MODULE_VERSION"]}`);
    const provider = required(
      "tf-provider-libvirt",
      "github.com/dmacvicar/terraform-provider-libvirt",
    );
    assert.equal(provider, `v${pins["LIBVIRT_PROVIDER_VERSION"]}`);
  });

  it("require the newest Go that any module requires", () => {
    const versions = ["cli", "nodehost", "bridge", "tf-provider-libvirt", "command"].map(
      (part) => required(part, "go") ?? "",
    );
    const newest = versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
    assert.equal(newest, pins["GO_MINIMUM"]);
  });

  it("equal those of the npm packages", () => {
    const { dependencies } = JSON.parse(read("package.json")) as {
      dependencies: Record<string, string>;
    };
    assert.equal(dependencies["@pulumi/pulumi"], pins["PULUMI_VERSION"]);
    assert.equal(dependencies["@pulumi/command"], pins["COMMAND_VERSION"]);
  });

  it("equal those of the generated SDK", () => {
    const sdk = JSON.parse(read("sdks", "libvirt", "package.json")) as {
      version: string;
      pulumi: { name: string; version: string };
    };
    assert.equal(sdk.version, pins["LIBVIRT_PROVIDER_VERSION"]);
    assert.equal(sdk.pulumi.name, "terraform-provider");
    assert.equal(sdk.pulumi.version, pins["BRIDGE_VERSION"]);
  });
});
