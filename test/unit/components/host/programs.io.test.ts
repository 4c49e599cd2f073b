import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findingText } from "../../../../components/host/checks/finding";
import { lookForPrograms } from "../../../../components/host/programs.io";
import { readLab } from "../../../../config/lab";
import { Lab } from "../../../../config/schema";
import { temporaryFolder } from "../../support";

const ELSEWHERE = {
  ...{ host: "lab.example", privateKeyFile: "/home/u/.ssh/id" },
  hostKey: `ssh-ed25519 ${"A".repeat(68)}`,
};

function labAt(ssh?: typeof ELSEWHERE): Lab {
  const { lab, faults } = readLab({ host: ssh && { ssh }, guests: [{ name: "mir" }] });
  assert.deepEqual(faults, []);
  assert.ok(lab);
  return lab;
}

const folder = join(temporaryFolder(), "bin");
const { PATH = "" } = process.env;

/** PATH has these programs and a shell. */
function pathHas(...programs: string[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  symlinkSync("/bin/sh", join(folder, "sh"));
  for (const program of programs) symlinkSync("/bin/true", join(folder, program));
}

describe("programs of the machine that runs Pulumi", () => {
  before(() => {
    process.env.PATH = folder;
  });
  after(() => {
    process.env.PATH = PATH;
  });
  const look = async (lab: Lab, installs: boolean) => {
    const [finding] = await lookForPrograms(lab, installs);
    return finding && `${finding.severity}: ${findingText(finding)}`;
  };

  it("are no matter where the host is this machine", async () => {
    pathHas();
    assert.equal(await look(labAt(), false), undefined);
  });
  it("are fine where all are there", async () => {
    pathHas("ssh", "xsltproc");
    assert.match((await look(labAt(ELSEWHERE), false)) ?? "", /^ok: /);
  });
  it("are named with their package where the engine would miss them half-way", async () => {
    pathHas("ssh");
    assert.match(
      (await look(labAt(ELSEWHERE), false)) ?? "",
      /^fail: .*no xsltproc on the machine that runs Pulumi.*fix: sudo apt-get install xsltproc$/,
    );
  });
  it("are a note where `up` installs them", async () => {
    pathHas("ssh");
    assert.match((await look(labAt(ELSEWHERE), true)) ?? "", /^info: .*no xsltproc/);
  });
  it("end it where there is no ssh, as the host cannot be asked", async () => {
    pathHas();
    assert.match(
      (await look(labAt(ELSEWHERE), true)) ?? "",
      /^fail: .*no ssh and no xsltproc .*sudo apt-get install openssh-client xsltproc$/,
    );
  });
});
