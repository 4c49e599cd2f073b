/** The verbs in a folder of the test, with stand-ins for bin/pulumi and for the host's scripts. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach } from "node:test";
import { run } from "../../../core/exec.io";
import { FakePrograms, ROOT, temporaryFolder } from "../support";

export const folder = temporaryFolder();
export const home = join(folder, "home");
export const calls = join(folder, "calls");
export const exported = join(folder, "exported.json");
export const imported = join(folder, "imported.json");
export const programs = new FakePrograms();
programs.set("virsh", "exit 1");
mkdirSync(join(folder, "bin"));
cpSync(join(ROOT, "scripts"), join(folder, "scripts"), { recursive: true });
for (const script of ["packages", "libvirtd", "heal"]) {
  const file = join(folder, "scripts", "host", `${script}.sh`);
  writeFileSync(file, `#!/bin/bash\nprintf '%s\\n' "${script} $*" >>'${calls}'\n`, { mode: 0o755 });
}

export const stack = (text: string): void => writeFileSync(join(folder, "Pulumi.dev.yaml"), text);

/** The engine: notes its arguments; `outcome` is bash for the verb itself. */
export const engine = (outcome = ""): void => {
  writeFileSync(
    join(folder, "bin", "pulumi"),
    `#!/bin/bash
printf '%s\\n' "$*" >>'${calls}'
case "$1 $2" in
  "stack export") cat '${exported}' ;;
  "stack import") cat >'${imported}' ;;
  "stack output") echo '{"guests":{}}' ;;
  stack* | cancel*) ;;
  *) ${outcome || ":"} ;;
esac
`,
    { mode: 0o755 },
  );
};

const VOLUME = "libvirt:index/volume:Volume";
const resource = (type: string, name: string, outputs: object, rest: object = {}) => ({
  ...{ urn: `urn:pulumi:dev::mirlab::${type}::${name}`, type, outputs, ...rest },
});
export const disk = (volume: string, rest: object = {}) =>
  resource(
    VOLUME,
    "mir-vm-disk",
    {
      name: volume,
      xml: {
        xslt: '<a><backingStore><path>/c/images/ab.qcow2</path><format type="qcow2"/></backingStore></a>',
      },
    },
    rest,
  );
/** The lab in the state: the host's pool, and one guest. */
export const LAB = [
  resource("libvirt:index/pool:Pool", "host-pool", {
    ...{ name: "mirlab-dev", target: { path: "/var/lib/mirlab/dev/pool" } },
  }),
  disk("mir-vm-ab.qcow2"),
  resource("pulumi-nodejs:dynamic/mir:DomainContract", "mir-vm-domain", {}),
];
export const state = (...resources: object[]): void =>
  writeFileSync(exported, JSON.stringify({ version: 3, deployment: { resources } }));

export async function lab(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const script = `process.chdir(process.argv[1]); process.argv.splice(1, 1);
    require(${JSON.stringify(join(ROOT, "core", "register.js"))});
    require(${JSON.stringify(join(ROOT, "cli", "main.ts"))}).main();`;
  const ended = await run([process.execPath, "--eval", script, folder, ...args], {
    env: { CI: "", MIRLAB_HOME: home, PULUMI_BACKEND_URL: "", ...env },
  });
  const asked = existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [];
  return { code: ended.code, out: ended.stdout.toString(), err: ended.stderr, asked };
}

export const SELECT = "stack select --create --stack dev --non-interactive";
export const EXPORT = "stack export --stack dev";
export const PACK = "--policy-pack policies --policy-pack-config policies/config.json";

beforeEach(() => {
  rmSync(calls, { force: true });
  rmSync(home, { recursive: true, force: true });
  stack("config:\n  mirlab:guests:\n    - name: mir\n");
  state();
  engine();
});
